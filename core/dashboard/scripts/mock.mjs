// A small stand-in for the hub, to work on the pages without one: `npm run mock`, then `npm run dev`.
// It serves the built pages too. Sign in as `admin` with `correct horse battery`, or with any token but `wrong`; `MOCK_STREAM=off`
// refuses the event stream.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

import { accessRoutes, whoAsks } from './mock-access.mjs';
import { iso, json, problem } from './mock-answer.mjs';
import { hubRoutes } from './mock-hub.mjs';
import { newsRoutes } from './mock-news.mjs';
import { planRoutes } from './mock-plans.mjs';
import { signInRoutes } from './mock-signin.mjs';

const port = Number(process.env.PORT ?? 8007);
const dist = new URL('../dist', import.meta.url).pathname;
const MiB = 2 ** 20;
const GiB = 2 ** 30;
const streams = new Set();
const tasks = [];
const logs = new Map();
let seq = 0;

const hex = (n) => n.toString(16).toUpperCase().padStart(8, '0');
// The same night every time: numbers that only look random.
let seed = 7;
const rnd = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
const SHOWN = { ok: 'OK', warning: 'WARNING', failed: 'FAILED', cancelled: 'CANCELLED', running: 'running', queued: 'queued' };

const KINDS = [
  { type: 'backup', job: 'web-nightly', user: 'mara@polystack', source: 'host/web-01:/srv/data', target: 'ibs-primary:host/web-01' },
  { type: 'backup', job: 'db-nightly', user: 'mara@polystack', source: 'host/db-01:/var/lib/postgresql', target: 'ibs-primary:host/db-01' },
  { type: 'backup', job: 'vm-12345-daily', user: 'backup@polystack!scheduler', source: 'vm/12345', target: 'ibs-primary:vm/12345' },
  { type: 'prune', job: 'prune-primary', user: 'backup@polystack!scheduler', source: null, target: 'ibs-primary' },
  { type: 'gc', job: 'gc-primary', user: 'backup@polystack!scheduler', source: null, target: 'ibs-primary' },
  { type: 'sync', job: 'offsite', user: 'sync@polystack!replication', source: 'ibs-primary', target: 'ibs-archival' },
  { type: 'verify', job: 'verify-weekly', user: 'backup@polystack!scheduler', source: null, target: 'ibs-primary' },
  { type: 'restore', job: null, user: 'jonas@polystack', source: 'ibs-primary:vm/12345/2026-05-21T00:00:00Z', target: '/srv/restore/vm-12345' },
];
const NO_STATS = { bytes: 0, bytes_read: 0, bytes_logical: 0, bytes_new: 0, bytes_stored: 0, files: 0, files_unchanged: 0, chunks: 0, chunks_known: 0, snapshots: 0, snapshots_affected: 0, snapshots_skipped: 0 };
const STAGES = {
  backup: [['scan source', 'files'], ['read and store', 'files'], ['write manifest', 'chunks']], restore: [['read manifest', 'chunks'], ['write files', 'files']],
  sync: [['compare snapshots', 'snapshots'], ['copy chunks', 'chunks'], ['check', 'snapshots']], verify: [['read manifests', 'snapshots'], ['check chunks', 'chunks']],
  gc: [['mark', 'chunks'], ['sweep', 'packs']], prune: [['plan', 'snapshots'], ['remove', 'snapshots']], tape: [['write', 'chunks']],
};

function make(kind, state, queued, minutes, extra = {}) {
  const number = 1200 + tasks.length;
  const start = queued + 2_000;
  const final = state !== 'running' && state !== 'queued';
  const bytes = ['prune', 'gc'].includes(kind.type) ? Math.floor(rnd() * 900) * MiB : Math.floor((0.4 + rnd() * 40) * GiB);
  const ended = final ? start + minutes * 60_000 : null;
  const names = STAGES[kind.type];
  const begun = state === 'queued' ? 0 : state === 'running' || state === 'failed' ? 2 : names.length;
  const stages = names.slice(0, begun).map(([name, unit], at) => {
    const last = at === begun - 1;
    const open = last && (state === 'running' || state === 'failed');
    const total = unit === 'snapshots' ? 14 : 4_000 + Math.floor(rnd() * 90_000);
    const share = open ? 0.2 + rnd() * 0.4 : 1;
    const size = at === 1 ? bytes : 0;
    return {
      name, unit, done: Math.floor(total * share), total, bytes: Math.floor(size * share), bytes_total: size > 0 ? size : null,
      started: iso(start + at * 20_000), ended: open ? null : iso(at === names.length - 1 ? ended : start + (at + 1) * 20_000),
    };
  });
  const moved = state === 'queued' || state === 'cancelled' ? 0 : state === 'running' || state === 'failed' ? (stages[1]?.bytes ?? 0) : bytes;
  const chunks = Math.floor(bytes / (2 * MiB));
  const task = {
    upid: `UPID:hub1:0000C35B:00001F2A:${hex(number)}:${hex(Math.floor(queued / 1000))}:${kind.type}:${(kind.job ?? 'restore').replaceAll('-', '\\x2d')}:${kind.user}:`,
    type: kind.type, state, status: SHOWN[state], project: 'acme', job: kind.job, user: kind.user, source: kind.source, target: kind.target, cancelled_by: state === 'cancelled' ? 'jonas@polystack' : null, retry_of: null,
    queued: iso(queued), started: state === 'queued' ? null : iso(start), ended: ended === null ? null : iso(ended), bytes: moved,
    stats: final && state !== 'cancelled' && kind.type === 'backup'
      ? { ...NO_STATS, bytes: moved, bytes_read: Math.floor(moved * 0.2), bytes_stored: Math.floor(moved * 0.04), files: 48_211, files_unchanged: 46_902, chunks, chunks_known: Math.floor(chunks * 0.91), snapshots: 1 }
      : NO_STATS,
    progress: { stages }, warnings: [], warning_count: 0, error: null, waiting: null, tips: [], ...extra,
  };
  tasks.unshift(task);
  logs.set(task.upid, []);
  if (state !== 'queued') say(task, 'info', `task started on worker hub1/worker, slot 2`, start);
  for (let n = 0; state !== 'queued' && n < 140; n += 1) say(task, 'info', `${names[Math.min(1, n >> 4)][0]}: pack ${hex(Math.floor(rnd() * 2 ** 31)).toLowerCase()} ${Math.floor(rnd() * 64)} MiB, ${Math.floor(rnd() * 900)} chunks, ${Math.floor(rnd() * 880)} known`, start + n * 400);
  for (const w of task.warnings) say(task, 'warn', `${w.path}: ${w.message} (${w.code})`, start + 60_000);
  if (task.error !== null) say(task, 'error', `${task.error.message} (${task.error.code})`, ended);
  else if (final) say(task, 'info', `task ended ${SHOWN[state]}`, ended);
  return task;
}

function say(task, level, text, at) {
  const lines = logs.get(task.upid);
  lines.push({ line: lines.length + 1, time: iso(at), level, text });
}

const TIP = {
  plugin: 'remediation', title: 'Do not restore from this snapshot; take a fresh full backup', link: null,
  why: 'chunk.corrupt: the stored bytes of chunk 9f2c41d7 do not match their SHA-256 fingerprint.',
  steps: ['Restore from the last verified snapshot if you need the data now.', 'Run the job once with --full, so that the chunk is written anew.', 'Check the disk below ibs-primary (SMART, file system log).'],
  actions: [{ kind: 'full-backup', target: 'vm-12345-daily', label: 'Run a full backup' }],
};
const now = Date.now();
for (let hour = 170; hour > 1; hour -= 1) {
  const kind = KINDS[hour % KINDS.length];
  const at = now - hour * 3_600_000 + Math.floor(rnd() * 1_500_000);
  if (hour === 53 || hour === 5) make(KINDS[6], 'failed', at, 12, { error: { code: 'chunk.corrupt', message: 'vm/12345/2026-05-21T00:00:00Z is CORRUPT: chunk 9f2c41d7 does not match its fingerprint' }, tips: [TIP] });
  else if (hour === 29) make(KINDS[5], 'failed', at, 1, { error: { code: 'remote.unreachable', message: 'ibs-archival cannot be reached: connection timed out' } });
  else if (hour === 77) make(KINDS[1], 'failed', at, 3, { error: { code: 'datastore.full', message: 'No space left on datastore ibs-primary' }, tips: [{ ...TIP, title: 'Run garbage collection, or add space', why: 'datastore.full: 0 bytes are free on the volume of ibs-primary.', steps: ['Run gc on ibs-primary.'] }] });
  else if (hour % 23 === 9) make(KINDS[0], 'warning', at, 7, { warning_count: 2, warnings: [{ code: 'path.skipped', path: '/srv/data/cache/session.lock', message: 'could not be read: permission denied' }, { code: 'source.optional-missing', path: '/srv/data/exports', message: 'optional source was not there' }] });
  else if (hour === 41) make(kind, 'cancelled', at, 2);
  else make(kind, 'ok', at, 1 + Math.floor(rnd() * 25));
}
make(KINDS[1], 'running', now - 190_000, 0);
make(KINDS[5], 'running', now - 95_000, 0);
make(KINDS[6], 'running', now - 400_000, 0);
make(KINDS[4], 'queued', now - 30_000, 0, { waiting: 'waits for a free worker slot' });

function send(event, data, id) {
  const text = `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  for (const stream of streams) stream.write(text);
}

function tell(task, what) {
  const { upid, type, state, job, user, source, target, retry_of, queued, started, ended, bytes, stats, warnings, warning_count } = task;
  send(`ironcore.task.${what}`, {
    specversion: '1.0', id: `e${seq}`, source: 'urn:ironcore-backup:hub:mock', type: `ironcore.task.${what}`, subject: upid, time: iso(Date.now()),
    data: { project: 'acme', severity: 'info', title: `${type} ${what}`, task: { upid, type, job, user, source, target, state, retry_of, queued, started, ended, bytes, stats, stages: task.progress.stages, warnings, warning_count, log_tail: [] } },
  }, ++seq);
}

function move(task, state, what) {
  Object.assign(task, { state, status: SHOWN[state] });
  if (state === 'running') task.started = iso(Date.now());
  else task.ended = iso(Date.now());
  tell(task, what);
}

setInterval(() => send('ping', {}), 15_000);
setInterval(() => {
  for (const task of tasks) {
    if (task.state === 'queued' && Date.now() - Date.parse(task.queued) > 90_000) move(task, 'running', 'started');
    if (task.state !== 'running') continue;
    const stages = task.progress.stages;
    if (stages.length < 2) {
      stages.push({ name: STAGES[task.type][0][0], unit: STAGES[task.type][0][1], done: 10, total: null, bytes: 0, bytes_total: null, started: task.started, ended: task.started });
      stages.push({ name: STAGES[task.type][1][0], unit: STAGES[task.type][1][1], done: 0, total: 52_000, bytes: 0, bytes_total: 9 * GiB, started: task.started, ended: null });
    }
    const stage = stages.at(-1);
    const step = (60 + Math.random() * 50) * MiB;
    stage.bytes = Math.min(stage.bytes_total ?? Infinity, stage.bytes + step);
    stage.done = Math.min(stage.total, Math.ceil((stage.total * stage.bytes) / (stage.bytes_total ?? stage.bytes)));
    task.bytes = stage.bytes;
    say(task, 'info', `${stage.name}: ${Math.floor(stage.bytes / MiB)} MiB, ${stage.done} ${stage.unit}`, Date.now());
    if (stage.bytes >= stage.bytes_total) {
      stage.ended = iso(Date.now());
      move(task, 'ok', 'completed');
      tell(make(KINDS[tasks.length % KINDS.length], 'queued', Date.now(), 0), 'queued');
    } else send('progress', { upid: task.upid, bytes: task.bytes, progress: task.progress });
  }
}, 1_000);

function list(res, q) {
  const among = (value, text) => text === null || text.split(',').includes(value);
  const all = tasks.filter((t) => among(t.type, q.get('type')) && among(t.state, q.get('status')) && (t.started ?? t.queued) >= (q.get('since') ?? '')
    && (t.started ?? t.queued) <= (q.get('until') ?? '9') && t.user === (q.get('user') ?? t.user) && (t.job ?? '') === (q.get('job') ?? t.job ?? '') && JSON.stringify(t).includes(q.get('text') ?? ''));
  const from = Number(q.get('cursor') ?? 0);
  const to = from + Number(q.get('limit') ?? 50);
  json(res, { tasks: all.slice(from, to).map((t) => ({ ...t, warnings: [], tips: [] })), next: to < all.length ? String(to) : null, count: all.length, count_capped: false });
}

// Where the mock knows nothing, there is nothing; work on such pages with a real hub.
const NOTHING = {
  '/api/v1/incidents': { incidents: [], next: null, count: 0, count_capped: false },
  '/api/v1/silences': { silences: [], windows: [] },
  '/api/v1/maintenance': { maintenance: [] },
  '/api/v1/plugins': { plugins: [], refused: [] },
};

createServer(async (req, res) => {
  const url = new URL(req.url, 'http://mock');
  const path = decodeURIComponent(url.pathname);
  if (!path.startsWith('/api/')) {
    const types = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };
    const file = extname(path) in types ? path : '/index.html';
    const body = await readFile(join(dist, normalize(file))).catch(() => null);
    if (body === null) return problem(res, 404, 'http.404', 'Not found');
    res.writeHead(200, { 'content-type': types[extname(file)] ?? 'text/html', 'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'" });
    return res.end(body);
  }
  const who = whoAsks(req);
  if ((await signInRoutes(req, res, path)) !== false) return;
  if ((await accessRoutes(req, res, path, url.searchParams, who)) !== false) return;
  if ((await planRoutes(req, res, path)) !== false) return;
  if (newsRoutes(req, res, path, url.searchParams) !== false || hubRoutes(req, res, path, url.searchParams, tasks) !== false) return;
  if (path in NOTHING && req.method === 'GET') return json(res, NOTHING[path]);
  if (path === '/api/v1/tasks') return list(res, url.searchParams);
  if (path === '/api/v1/events/stream') {
    if (process.env.MOCK_STREAM === 'off') return problem(res, 503, 'http.503', 'No stream');
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write('event: ping\ndata: {}\n\n');
    streams.add(res);
    return req.on('close', () => streams.delete(res));
  }
  const [, upid, rest] = /^\/api\/v1\/tasks\/([^/]+)(?:\/(.*))?$/.exec(path) ?? [];
  const task = tasks.find((each) => each.upid === upid);
  if (task === undefined) return problem(res, 404, 'task.not-found', 'There is no such task');
  if (rest === undefined) return json(res, task);
  const lines = logs.get(upid);
  if (rest === 'log.txt') return res.writeHead(200, { 'content-type': 'text/plain' }).end(lines.map((l) => `${l.time} ${l.level} ${l.text}\n`).join(''));
  if (rest === 'log/stream') {
    let sent = Number(req.headers['last-event-id'] ?? url.searchParams.get('after') ?? 0);
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write('event: ping\ndata: {}\n\n');
    const timer = setInterval(() => {
      for (const line of lines.slice(sent)) res.write(`id: ${(sent = line.line)}\nevent: line\ndata: ${JSON.stringify(line)}\n\n`);
      if (task.ended !== null) res.end(`event: done\ndata: {"next":${sent}}\n\n`);
    }, 300);
    return res.on('close', () => clearInterval(timer));
  }
  if (rest === 'cancel') {
    if (task.ended !== null) return problem(res, 409, 'task.final', 'The task is over');
    setTimeout(() => task.ended === null && move(task, 'cancelled', 'cancelled'), 1_500);
    return json(res, { upid, outcome: 'requested' });
  }
  const after = Number(url.searchParams.get('after') ?? 0);
  const some = lines.slice(after, after + Number(url.searchParams.get('limit') ?? 1000));
  return json(res, { lines: some, next: some.at(-1)?.line ?? after, done: task.ended !== null && after + some.length >= lines.length });
}).listen(port, '127.0.0.1', () => console.log(`mock hub: http://127.0.0.1:${port}/#token=demo`));
