// Measures how soon the Dashboard of a running hub is painted, in a warm browser: node scripts/paint.mjs URL TOKEN ROUNDS
// Prints {"paints": [ms], "largest": "what was painted largest"}; what comes within five seconds of quiet counts.
import { chromium } from 'playwright-core';

const [url, token, rounds = '5'] = process.argv.slice(2);
if (!url || !token) {
  console.error('usage: node scripts/paint.mjs URL TOKEN [ROUNDS]');
  process.exit(2);
}
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
const page = await context.newPage();
await page.addInitScript(() => {
  globalThis.painted = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) globalThis.painted.push({ at: entry.startTime, what: `<${entry.element?.tagName.toLowerCase() ?? '?'}> ${entry.element?.textContent?.slice(0, 60) ?? ''}` });
  }).observe({ type: 'largest-contentful-paint', buffered: true });
});
// Warm: signed in, and what never changes is in the browser's cache.
await page.goto(new URL(`/#token=${encodeURIComponent(token)}`, url).href);
await page.getByRole('table', { name: 'Latest tasks' }).waitFor();
const paints = [];
let largest = '';
for (let round = 0; round < Number(rounds); round += 1) {
  await page.goto('about:blank');
  await page.goto(new URL('/', url).href);
  await page.getByRole('table', { name: 'Latest tasks' }).waitFor();
  // Later parts of the page may be larger: wait until nothing larger has come for a while.
  let count = -1;
  for (;;) {
    const now = await page.evaluate(() => globalThis.painted.length);
    if (now === count) break;
    count = now;
    await page.waitForTimeout(2_500);
  }
  const last = await page.evaluate(() => globalThis.painted.at(-1));
  if (!last) throw new Error('nothing was painted');
  paints.push(last.at);
  largest = last.what.trim();
}
await browser.close();
console.log(JSON.stringify({ paints, largest }));
