// Takes pictures of the pages of a running hub: npm run screenshot -- URL TOKEN [FOLDER]
// Also checks each page with axe, and exits 1 when it finds something or when a page logs an error.
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

async function shots(name, { width, height, scheme, scale = 1 }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, deviceScaleFactor: scale, reducedMotion: 'reduce', timezoneId: process.env.TZ ?? 'UTC' });
  const page = await context.newPage();
  page.on('pageerror', (error) => { bad += 1; console.error(`${name}: ${error.message}`); });
  page.on('console', (message) => { if (message.type() === 'error') { bad += 1; console.error(`${name}: ${message.text()}`); } });
  const take = async (what) => {
    await page.evaluate('document.fonts.ready');
    await page.screenshot({ path: join(folder, `${what}-${name}.png`) });
    await check(page, `${what}-${name}`);
    const over = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
    if (over > 0) { bad += 1; console.error(`${what}-${name}: the page is ${over} px wider than the screen`); }
    console.log(join(folder, `${what}-${name}.png`));
  };

  await page.goto(new URL('/', url).href);
  await page.getByLabel('Token', { exact: true }).waitFor();
  await take('login');
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
  await context.close();
}

await shots('dark', { width: 1440, height: 900, scheme: 'dark' });
await shots('light', { width: 1440, height: 900, scheme: 'light' });
await shots('narrow', { width: 390, height: 844, scheme: 'dark', scale: 2 });
await browser.close();
if (bad > 0) {
  console.error(`${bad} findings`);
  process.exit(1);
}
