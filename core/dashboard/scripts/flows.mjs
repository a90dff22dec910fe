// Walks through signing in and who may do what, in a real browser, on the built pages and the mock: npm run flows
// Each step fails by itself when what it waits for does not come.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
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

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
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
/** Signs out, from wherever one is. */
async function out() {
  await context.clearCookies();
  await page.goto(`${url}/`);
  await page.evaluate(() => { sessionStorage.clear(); localStorage.clear(); });
  await page.reload();
  await page.getByLabel('Password', { exact: true }).waitFor();
}
/** What axe finds; with `SHOTS=FOLDER` pictures, wide and narrow. */
async function look(name, all = false) {
  await page.waitForTimeout(250);
  const found = await page.evaluate(`${axe}; axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }).then((r) => r.violations.map((v) => v.id + ' ' + v.nodes[0].target.join(' ')))`);
  if (process.env.SHOTS !== undefined) {
    await page.screenshot({ path: join(process.env.SHOTS, `${name}.png`), fullPage: all });
    await page.setViewportSize({ width: 360, height: 780 });
    await page.waitForTimeout(250);
    await page.screenshot({ path: join(process.env.SHOTS, `${name}-narrow.png`), fullPage: all });
    await page.setViewportSize({ width: 1280, height: 860 });
  }
  if (found.length > 0) throw new Error(`axe: ${found.join('; ')}`);
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

const field = (name) => page.getByRole('dialog').getByLabel(name, { exact: true });

await step('the set-up link makes the first administrator, once', async () => {
  await out();
  await page.goto(`${url}/setup#wrong`);
  const fill = async () => {
    await page.getByLabel('User', { exact: true }).fill('first');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByLabel('Password again', { exact: true }).fill(PASSWORD);
    await button('Make the administrator and sign in').click();
  };
  await page.getByLabel('Password again', { exact: true }).waitFor();
  if (page.url() !== `${url}/setup`) throw new Error(page.url());
  await look('set-up');
  await button('Make the administrator and sign in').click();
  await text('The user name is missing.');
  await fill();
  await text('The set-up token of this link is wrong.');
  await page.getByLabel('Set-up token', { exact: true }).fill('setup-demo');
  await button('Make the administrator and sign in').click();
  await menu().waitFor();
  await out();
  await page.goto(`${url}/setup#setup-demo`);
  await fill();
  await text('This hub is set up already');
});
await step('a second factor is asked for after the password; a step that is over leads back', async () => {
  await page.goto(`${url}/tasks`);
  await page.reload();
  await signIn('jonas', PASSWORD);
  const code = page.getByLabel('Code', { exact: true });
  await code.fill('12');
  await button('Sign in').click();
  await text('A code has six digits.');
  await look('code');
  await code.fill('111111');
  await button('Sign in').click();
  await text('The code is wrong, or was used before.');
  await code.fill('000000');
  await button('Sign in').click();
  await text('Begin again with your password.');
  await signIn('jonas', PASSWORD);
  await button('Use a recovery code').click();
  await page.getByLabel('Recovery code', { exact: true }).fill('AAAA bbbb cccc dddd');
  await button('Sign in').click();
  await page.getByRole('table', { name: 'Tasks' }).waitFor();
});
await step('one that is demanded is set up on the way in', async () => {
  await out();
  await signIn('dana', PASSWORD);
  await text('JBSW Y3DP');
  await look('new-factor');
  await page.getByLabel('First code', { exact: true }).fill('246 810');
  await button('Set up and sign in').click();
  await text('aaaa-bbbb-cccc-dddd');
  await look('recovery-codes');
  await button('I have kept them').click();
  await menu().waitFor();
  await menu().click();
  await page.getByRole('menuitem', { name: 'My second factor' }).click();
  await text('One of your roles demands it');
  await page.keyboard.press('Escape');
});
await step('an identity provider signs in, or not, and one goes on where one was', async () => {
  await out();
  await page.goto(`${url}/jobs`);
  await page.getByRole('link', { name: 'Sign in with Lost' }).click();
  await page.waitForURL(/oidc\/lost/);
  await page.goto(`${url}/jobs`);
  await text('Nobody was signed in there.');
  await page.getByRole('link', { name: 'Sign in with Corp' }).waitFor();
  await look('sign-in');
  await page.getByRole('link', { name: 'Sign in with Corp' }).click();
  await page.getByRole('table', { name: 'Jobs' }).waitFor();
  await page.getByRole('button', { name: 'Signed in as mara@corp' }).waitFor();
});
await step('one’s own second factor is set up, and removed with password and code', async () => {
  await out();
  await signIn('admin', OTHER);
  await menu().click();
  await page.getByRole('menuitem', { name: 'My second factor' }).click();
  await field('Password').fill('wrong');
  await button('Go on').click();
  await text('The password is wrong.');
  await look('own-password');
  await field('Password').fill(OTHER);
  await button('Go on').click();
  await field('First code').fill('246810');
  await look('own-factor');
  await button('Set up').click();
  await text('aaaa-bbbb-cccc-dddd');
  await look('own-codes');
  await button('I have kept them').click();
  await menu().click();
  await page.getByRole('menuitem', { name: 'My second factor' }).click();
  await field('Password').fill(OTHER);
  await field('Code, or a recovery code').fill('246810');
  await look('own-remove');
  await button('Remove').click();
  await text('Your second factor is removed');
  await signIn('admin', OTHER);
  await menu().waitFor();
});
await step('the second factor of another is taken away', async () => {
  await page.goto(`${url}/access`);
  await page.getByRole('button', { name: 'Change jonas@local' }).click();
  await page.getByRole('menuitem', { name: 'Take the second factor away' }).click();
  await button('Take it away').click();
  await text('jonas@local has no second factor any more');
});
await step('the editor of a job shows its next runs and what retention would do', async () => {
  await page.goto(`${url}/jobs/acme/prune-primary/edit`);
  await text('would stay,');
  await page.getByText('Would run next').waitFor();
  const runs = page.getByRole('region', { name: 'Next runs as typed' });
  await runs.getByRole('listitem').nth(9).waitFor();
  const table = page.getByRole('table', { name: 'Snapshots as planned' });
  await table.getByText('no rule keeps it').first().waitFor();
  await look('plan', true);
  await page.getByRole('spinbutton').first().fill('40');
  await page.getByText('120 would stay, 0 would go.').waitFor();
  await page.getByLabel('Schedule', { exact: true }).fill('never');
  await text('schedule: cannot be read');
});
await step('a token is signed in with again', async () => {
  await page.goto(`${url}/#token=demo`);
  await page.reload();
  await menu().waitFor();
});
const row = (name) => page.getByRole('row').filter({ hasText: name });

await step('a user is made, with a password that is made up and a role', async () => {
  await page.goto(`${url}/access`);
  await button('New user').click();
  await field('User').fill('carla');
  await field('Password').fill('short');
  await button('Make user').click();
  await text('Use 12 characters or more; these are 5.');
  await button('Make one up').click();
  await field('Role').selectOption('member');
  await button('Make user').click();
  await page.getByRole('dialog', { name: 'carla@local' }).waitFor();
  await page.getByRole('dialog').getByText('member of acme').waitFor();
});
await step('it is given a role, and one is taken', async () => {
  await button('Give a role').click();
  await page.getByRole('dialog', { name: /^Give/ }).getByLabel('Role', { exact: true }).selectOption('auditor');
  await button('Give').click();
  await page.getByRole('button', { name: 'Take the role auditor on the whole hub' }).click();
  await button('Take it').click();
  await page.getByRole('button', { name: 'Take the role auditor on the whole hub' }).waitFor({ state: 'detached' });
});
await step('it is disabled and removed', async () => {
  await page.goto(`${url}/access`);
  await page.getByRole('button', { name: 'Change carla@local' }).click();
  await page.getByRole('menuitem', { name: 'Disable' }).click();
  await button('Disable').click();
  await row('carla@local').getByText('disabled').waitFor();
  await page.getByRole('button', { name: 'Change carla@local' }).click();
  await page.getByRole('menuitem', { name: 'Remove' }).click();
  await button('Remove').click();
  await row('carla@local').waitFor({ state: 'detached' });
});
await step('what the hub refuses is said where it was asked for', async () => {
  await page.getByRole('button', { name: 'Change admin@local' }).click();
  await page.getByRole('menuitem', { name: 'Remove' }).click();
  await button('Remove').click();
  await text('Nobody else may change who may do what.');
  await button('Not now').click();
});
await step('a role of one’s own is made', async () => {
  await page.goto(`${url}/access/roles`);
  await button('New role').click();
  await field('Name').fill('looker');
  await page.getByRole('checkbox', { name: 'Run jobs' }).check();
  await button('Make role').click();
  await row('looker').getByText('run-jobs').waitFor();
});
await step('the secret of a token is shown once, and the token revoked', async () => {
  await page.goto(`${url}/access/tokens`);
  await button('New token').click();
  await field('Name of the token').fill('flow');
  await field('Role').selectOption('operator');
  await button('Make token').click();
  await page.getByText(/^ibs_[0-9a-f]{64}$/).waitFor();
  await page.keyboard.press('Escape');
  await page.getByText(/^ibs_[0-9a-f]{64}$/).waitFor();
  await button('I have kept it').click();
  await page.getByRole('button', { name: 'Revoke mara@polystack!flow' }).click();
  await button('Revoke').click();
  await row('!flow').waitFor({ state: 'detached' });
});
await step('each of that is in the audit log, page by page, filtered in the address', async () => {
  await page.goto(`${url}/audit`);
  await row('revoked the token mara@polystack!flow').waitFor();
  await row('removed the user carla@local').waitFor();
  const before = await page.getByRole('row').count();
  await button('Load more').click();
  await page.waitForFunction((count) => document.querySelectorAll('[role=row]').length > count, before);
  await page.getByLabel('Object, such as role/NAME').fill('role/looker');
  await page.getByLabel('Object, such as role/NAME').press('Enter');
  await page.waitForURL(/object=role%2Flooker|object=role\/looker/);
  await row('made the role looker').waitFor();
  await row('carla@local').waitFor({ state: 'detached' });
});
await step('who may not see it is shown neither link nor page', async () => {
  await page.goto(`${url}/#token=member`);
  await page.reload();
  await page.getByRole('link', { name: 'Tasks', exact: true }).waitFor();
  if ((await page.getByRole('link', { name: 'Access', exact: true }).count()) > 0) throw new Error('there is a link');
  await page.goto(`${url}/audit`);
  await text('This is not for you to see');
});

await browser.close();
mock.kill();
if (faults > 0) {
  console.error(`${faults} faults`);
  process.exit(1);
}
