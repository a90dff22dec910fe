// Prints what the first page loads, compressed as a server sends it, and fails when it is more than it may be.
import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const LIMIT_JS = 350_000;
const dist = new URL('../dist/', import.meta.url);
const html = await readFile(new URL('index.html', dist), 'utf8');
const files = (await readdir(new URL('assets/', dist))).map((name) => `assets/${name}`);
let js = 0;
for (const file of files) {
  const body = await readFile(new URL(file, dist));
  const size = gzipSync(body, { level: 9 }).length;
  const first = html.includes(file) ? 'first page' : 'when needed';
  if (file.endsWith('.js') && html.includes(file)) js += size;
  console.log(`${file.padEnd(52)} ${String(body.length).padStart(8)} bytes ${String(size).padStart(8)} gzip  ${first}`);
}
console.log(`JavaScript of the first page: ${(js / 1000).toFixed(1)} kB compressed, at most ${LIMIT_JS / 1000} kB`);
if (js === 0 || js > LIMIT_JS) process.exit(1);
