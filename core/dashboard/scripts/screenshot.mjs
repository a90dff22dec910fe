// Takes pictures of the pages of a running hub: npm run screenshot -- URL TOKEN [FOLDER]
// Also checks each page with axe, what moved while it was loaded and whether it is wider than the screen; exits 1 when something
// is found or a page logs an error.
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { newsShots } from './screenshot-news.mjs';

const [url, token, folder = 'screenshots'] = process.argv.slice(2);
if (!url || !token) {
  console.error('usage: npm run screenshot -- URL TOKEN [FOLDER]');
  process.exit(2);
}
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
await mkdir(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
let bad = 0;

async function check(page, name) {
  const findings = await page.evaluate(`${axe}; axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }).then((r) => r.violations)`);
  for (const found of findings) {
    bad += 1;
    console.error(`${name}: ${found.id}: ${found.help}\n  ${found.nodes.slice(0, 3).map((node) => `${node.target.join(' ')} ${node.any[0]?.message ?? ''}`).join('\n  ')}`);
  }
}

/** What moved while it was loaded, and whether the page is wider than the screen. */
async function steady(page, name) {
  const shift = await page.evaluate(() => globalThis.shifted ?? 0);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (shift > 0.1) { bad += 1; console.error(`${name}: layout shift of ${shift.toFixed(3)}, more than 0.1`); }
  if (wide > 0) { bad += 1; console.error(`${name}: ${wide} pixels wider than the screen`); }
}

async function shots(name, { width, height, scheme, scale = 1 }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, deviceScaleFactor: scale, reducedMotion: 'reduce', timezoneId: process.env.TZ ?? 'UTC' });
  const page = await context.newPage();
  await page.addInitScript(() => {
    globalThis.shifted = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shifted += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  page.on('pageerror', (error) => { bad += 1; console.error(`${name}: ${error.message}`); });
  page.on('console', (message) => { if (message.type() === 'error') { bad += 1; console.error(`${name}: ${message.text()}`); } });
  const take = async (what) => {
    await page.evaluate('document.fonts.ready');
    await page.screenshot({ path: join(folder, `${what}-${name}.png`) });
    await check(page, `${what}-${name}`);
    await steady(page, `${what}-${name}`);
    console.log(join(folder, `${what}-${name}.png`));
  };

  await page.goto(new URL('/', url).href);
  await page.getByLabel('Password', { exact: true }).waitFor();
  await take('sign-in');
  await page.getByRole('button', { name: 'Sign in with a token instead' }).click();
  await page.getByLabel('Token', { exact: true }).waitFor();
  await take('sign-in-token');
  await page.goto(new URL(`/#token=${encodeURIComponent(token)}`, url).href);
  await page.reload();
  await page.getByRole('table', { name: 'Latest tasks' }).waitFor();
  // Two messages of progress make a rate.
  await page.waitForTimeout(Number(process.env.SETTLE ?? 3_500));
  await take('dashboard');
  await page.goto(new URL('/tasks', url).href);
  await page.getByRole('table', { name: 'Tasks' }).waitFor();
  await take('tasks');
  await page.goto(new URL('/tasks?status=FAILED', url).href);
  await page.waitForTimeout(500);
  const failed = page.getByRole('table', { name: 'Tasks' }).getByRole('link');
  if ((await failed.count()) > 0) {
    await failed.first().click();
    await page.getByRole('region', { name: 'Log lines' }).waitFor();
    await page.waitForTimeout(800);
    await take('task-failed');
  }
  await page.goto(new URL('/tasks?status=running', url).href);
  await page.waitForTimeout(500);
  const running = page.getByRole('table', { name: 'Tasks' }).getByRole('link');
  if ((await running.count()) > 0) {
    await running.first().click();
    await page.getByRole('region', { name: 'Log lines' }).waitFor();
    await page.waitForTimeout(3_000);
    await take('task-running');
  }
  await newsShots(page, url, take);
  // Pages of one address each, and what is there once they are.
  const open = async (path, ready, what, settle = 400) => {
    await page.goto(new URL(path, url).href);
    await ready().first().waitFor();
    await page.waitForTimeout(settle);
    await take(what);
  };
  await open('/calendar', () => page.getByRole('table'), 'calendar');
  const several = page.getByRole('table').getByRole('button');
  if ((await several.count()) > 0) {
    await several.last().click();
    await page.getByRole('dialog').waitFor();
    await page.waitForTimeout(600);
    await take('calendar-day');
  }
  await open('/calendar?view=week', () => page.getByRole('region', { name: 'Week' }), 'calendar-week', 1_000);
  await open('/calendar?view=heat', () => page.getByRole('table'), 'calendar-heat');
  await open('/jobs', () => page.getByRole('table', { name: 'Jobs' }), 'jobs');
  const job = await page.getByRole('table', { name: 'Jobs' }).getByRole('link').first().getAttribute('href');
  await open(job, () => page.getByRole('heading', { name: 'Next runs' }), 'job', 1_000);
  await open(`${job}/edit`, () => page.getByRole('form', { name: 'Job' }), 'job-edit');
  await open('/snapshots', () => page.getByRole('button', { expanded: true }).or(page.getByRole('button', { expanded: false })), 'snapshots', 800);
  const snapshots = page.locator('a[href*="/show/"]');
  if ((await snapshots.count()) === 0) await page.locator('[data-workload]').first().click();
  const damaged = page.locator('li').filter({ hasText: /CORRUPT|MISSING/ }).locator('a[href*="/show/"]');
  const snapshot = await ((await damaged.count()) > 0 ? damaged : snapshots).first().getAttribute('href');
  await open(snapshot, () => page.getByRole('tab', { name: 'Verification' }), 'snapshot', 800);
  await open(`${snapshot}?tab=verification`, () => page.getByRole('button', { name: 'Verify now' }), 'snapshot-verification', 800);
  await open('/datastores', () => page.getByRole('table', { name: 'Datastores' }), 'datastores', 800);
  const datastore = await page.getByRole('table', { name: 'Datastores' }).locator('a[href^="/datastores/"]').first().getAttribute('href');
  await open(datastore, () => page.getByRole('heading', { name: 'Upkeep' }), 'datastore', 1_500);
  await open('/statistics', () => page.getByRole('list', { name: 'Metrics' }), 'statistics', 1_500);
  await open('/workers', () => page.getByRole('table', { name: 'Workers' }), 'workers');
  await open('/replication', () => page.getByRole('heading', { name: 'Runs of late' }), 'replication', 800);
  await open('/settings', () => page.getByRole('heading', { name: 'Limits in force' }), 'settings', 800);
  // Those are only for tokens that may see who may do what.
  if ((await page.getByRole('link', { name: 'Access', exact: true }).count()) > 0) {
    for (const [path, table] of [['/access', 'Users'], ['/access/roles', 'Roles'], ['/access/tokens?over=yes', 'Tokens'], ['/audit', 'Changes']]) {
      await open(path, () => page.getByRole('table', { name: table }), table.toLowerCase());
    }
  }
  await context.close();
}

await shots('dark', { width: 1440, height: 900, scheme: 'dark' });
await shots('light', { width: 1440, height: 900, scheme: 'light' });
await shots('narrow', { width: 360, height: 780, scheme: 'dark', scale: 2 });
await browser.close();
if (bad > 0) {
  console.error(`${bad} findings`);
  process.exit(1);
}
