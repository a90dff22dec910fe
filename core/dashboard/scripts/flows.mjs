// Walks through signing in and who may do what, in a real browser, on the built pages and the mock: npm run flows
// Each step fails by itself when what it waits for does not come.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

const port = Number(process.env.PORT ?? 8017);
const url = `http://127.0.0.1:${port}`;
const mock = spawn(process.execPath, [new URL('mock.mjs', import.meta.url).pathname], { env: { ...process.env, PORT: String(port) }, stdio: ['ignore', 'pipe', 'inherit'] });
await once(mock.stdout, 'data');
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--disable-gpu'] });
const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, timezoneId: 'UTC', reducedMotion: 'reduce' });
const page = await context.newPage();
page.setDefaultTimeout(10_000);
let faults = 0;
page.on('pageerror', (error) => { faults += 1; console.error(`page: ${error.message}`); });

const PASSWORD = 'correct horse battery';
const OTHER = 'battery staple horses';
const text = (words) => page.getByText(words).first().waitFor();
const button = (name) => page.getByRole('button', { name, exact: true }).last();

async function step(what, walk) {
  try {
    await walk();
    console.log(`ok    ${what}`);
  } catch (error) {
    faults += 1;
    console.error(`FAULT ${what}: ${error.message}`);
    await page.screenshot({ path: join(tmpdir(), `flow-${faults}.png`) }).catch(() => undefined);
  }
}

async function signIn(user, password) {
  await page.getByLabel('User', { exact: true }).fill(user);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await button('Sign in').click();
}
const menu = () => page.getByRole('button', { name: /^Signed in as/ });

await step('a wrong password is said, a name that nobody types is asked for', async () => {
  await page.goto(`${url}/tasks?status=FAILED`);
  await button('Sign in').click();
  await text('The user name is missing.');
  await signIn('admin', 'wrong');
  await text('The user name or the password is wrong.');
});
await step('too many failures lock a name, with the time', async () => {
  for (let at = 0; at < 5; at += 1) {
    await signIn('night', 'wrong');
    await page.getByRole('alert').waitFor();
    await page.waitForTimeout(50);
  }
  await text(/this name is locked. Try again at/);
});
await step('signing in opens the page that was wanted, and survives a reload', async () => {
  await signIn('admin', PASSWORD);
  await page.getByRole('table', { name: 'Tasks' }).waitFor();
  if (!page.url().endsWith('/tasks?status=FAILED')) throw new Error(page.url());
  await page.reload();
  await menu().waitFor();
  await page.getByLabel('News arrives as it happens').waitFor();
});
await step('a change is sent with the word against forgery', async () => {
  await page.goto(`${url}/tasks?status=running`);
  await page.getByRole('table', { name: 'Tasks' }).getByRole('link').first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel', exact: true }).click();
  const answer = page.waitForResponse((each) => each.url().endsWith('/cancel'));
  await button('Cancel task').click();
  if (!(await answer).ok()) throw new Error('refused');
});
await step('the log of a task that runs is followed with the cookie', async () => {
  await page.goto(`${url}/tasks?status=running`);
  const answer = page.waitForResponse((each) => each.url().includes('/log/stream'));
  await page.getByRole('table', { name: 'Tasks' }).getByRole('link').last().click();
  if (!(await answer).ok()) throw new Error('refused');
});
await step('another role is acted by, and there and back again', async () => {
  await page.goto(`${url}/`);
  await menu().click();
  await page.getByRole('menuitemradio', { name: 'member of office' }).click();
  await page.waitForFunction(() => document.querySelector('a[href="/access"]') === null);
  await menu().click();
  await text('member of office');
  await page.getByRole('menuitemradio', { name: 'admin on the whole hub' }).click();
  await page.getByRole('link', { name: 'Tasks', exact: true }).waitFor();
});
await step('the end of the session leads to the sign-in page, and back to where one was', async () => {
  await page.goto(`${url}/jobs`);
  await menu().waitFor();
  await context.clearCookies();
  await page.getByRole('link', { name: 'Tasks', exact: true }).click();
  await text('You were signed out.');
  await signIn('admin@local', PASSWORD);
  await page.getByRole('table', { name: 'Tasks' }).waitFor();
});
await step('signing out in one tab does so in the other, and signing in, too', async () => {
  const other = await context.newPage();
  await other.goto(`${url}/tasks`);
  await other.getByRole('table', { name: 'Tasks' }).waitFor();
  await menu().click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByLabel('Password', { exact: true }).waitFor();
  await other.getByLabel('Password', { exact: true }).waitFor();
  await signIn('admin', PASSWORD);
  await other.getByRole('table', { name: 'Tasks' }).waitFor();
  await other.close();
});
await step('another password is asked for twice, is long enough, and signs out', async () => {
  await menu().click();
  await page.getByRole('menuitem', { name: 'Change my password' }).click();
  const field = (name) => page.getByLabel(name, { exact: true });
  await field('Password now').fill('not this one');
  await field('New password').fill('short');
  await field('New password again').fill('short');
  await button('Change password').click();
  await text('Use 12 characters or more; these are 5.');
  await field('New password').fill(OTHER);
  await field('New password again').fill(OTHER);
  await button('Change password').click();
  await text('The old password is wrong.');
  await field('Password now').fill(PASSWORD);
  await button('Change password').click();
  await text('Your password is changed');
  await signIn('admin', OTHER);
  await menu().waitFor();
});
await step('a token signs in as well, for this tab', async () => {
  await menu().click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await button('Sign in with a token instead').click();
  await page.getByLabel('Token', { exact: true }).fill('wrong');
  await button('Sign in').click();
  await text('The hub does not accept this token.');
  await page.getByLabel('Token', { exact: true }).fill('demo');
  await button('Sign in').click();
  await menu().waitFor();
});

await browser.close();
mock.kill();
if (faults > 0) {
  console.error(`${faults} faults`);
  process.exit(1);
}
