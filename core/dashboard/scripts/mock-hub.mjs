// The part of the mock that tells of the hub: services, workers, datastores, projects, jobs, statistics. Only to be read.
import { iso, json } from './mock-answer.mjs';

const GiB = 2 ** 30;
const HOUR = 3_600_000;
const now = Date.now();
const HUB = { name: 'hub1', id: '018f2f6e-0000-7000-8000-000000000001', version: '0.1.0' };
const SESSION = '018f2f6e-1111-7000-8000-000000000001';
const TYPES = ['backup', 'restore', 'sync', 'verify', 'gc', 'prune'];
const service = (name, state = 'online') => ({ service: name, state, types: name === 'worker' ? TYPES : [], running: 2, ...(state === 'offline' ? {} : { node: 'hub1', pid: 49_995, session: SESSION, started: iso(now - 52 * HOUR) }) });
const SERVICES = ['api', 'scheduler', 'worker', 'verifier', 'gc', 'sync', 'notify'].map((name) => service(name, name === 'verifier' ? 'offline' : 'online'));

const DATASTORES = [
  { name: 'ibs-archival', keep_verified: '30d', projects: [], online: false, max_running: 1, path: '/srv/archival', error: { code: 'datastore.offline', message: 'the folder is not mounted' }, usage: null },
  { name: 'ibs-copy', keep_verified: '30d', projects: ['acme'], online: true, max_running: null, path: '/srv/copy', usage: { logical_bytes: 900 * GiB, snapshots: 64, chunks: 410_000, stored_bytes: 120 * GiB, unique_bytes: 260 * GiB, free_bytes: 700 * GiB, total_bytes: 2_000 * GiB } },
  { name: 'ibs-primary', keep_verified: '30d', projects: [], online: true, max_running: 4, path: '/srv/primary', usage: { logical_bytes: 5_100 * GiB, snapshots: 412, chunks: 2_410_000, stored_bytes: 610 * GiB, unique_bytes: 1_260 * GiB, free_bytes: 390 * GiB, total_bytes: 1_000 * GiB } },
];

const KEEP = { 'randomized-delay': null, blackout: [], groups: [], missed: 'run-once', overlap: 'skip', retries: 2, 'retry-delay': '5m', grace: '1h', timezone: 'Europe/Berlin', owner: 'admin@local', comment: null };
const job = (name, task, schedule, extra = {}) => ({ project: 'acme', name, enabled: true, schedule, task, ...KEEP, ...extra });
const REMOTE = { url: 'https://backup.example.net:8007', fingerprint: '5b'.repeat(32), 'token-secret': 'remote-token' };
const JOBS = [
  job('db-nightly', { type: 'backup', source: '/var/lib/postgresql', datastore: 'ibs-primary', group: 'host/db-01' }, '02:30'),
  job('from-berlin', { type: 'sync', from: { datastore: 'main', remote: REMOTE }, to: 'ibs-copy', groups: ['vm/12345', 'host/web-01'] }, '*:0/30'),
  job('gc-primary', { type: 'gc', datastore: 'ibs-primary' }, 'Sun 04:00'),
  job('mirror', { type: 'sync', from: { datastore: 'ibs-primary' }, to: 'ibs-copy', groups: [] }, '05:00', { enabled: false, comment: 'paused while the disks are exchanged' }),
  job('offsite', { type: 'sync', from: { datastore: 'ibs-primary' }, to: 'ibs-archival', groups: [], namespace: 'acme' }, '04:00', { 'recovery-point': '1d' }),
  job('prune-primary', { type: 'prune', datastore: 'ibs-primary', namespace: '', keep: { last: 3, hourly: null, daily: 7, weekly: 4, monthly: null, yearly: null }, timezone: 'Europe/Berlin', groups: [], 'dry-run': false }, 'mon..fri 03:30'),
  job('to-come', { type: 'sync', from: { datastore: 'old', remote: { ...REMOTE, url: 'https://other.example.net:8007', fingerprint: null } }, to: 'ibs-copy', groups: [] }, null),
];

function figures(bytes, runs, failed) {
  const sums = { runs, failed, cancelled: 0, duration_us: runs * 240_000_000, bytes, bytes_read: bytes, bytes_logical: bytes * 9, bytes_new: bytes * 2, bytes_stored: Math.floor(bytes * 0.9), chunks: runs * 4_000, chunks_known: runs * 3_600, files: 0, files_unchanged: 0 };
  return { sums, metrics: { transfer_rate: runs === 0 ? null : Math.floor(bytes / (runs * 240)), read_rate: 90 * 2 ** 20, dedup_hit_percent: 90, compression_ratio: 2.1, pre_encrypt_bytes: sums.bytes_logical, on_disk_bytes: sums.bytes_stored, reduction_ratio: 9.4, marks: [] } };
}

/** Answers what is about the hub, or gives false. `tasks` are those of the mock, the newest first. */
export function hubRoutes(req, res, path, query, tasks) {
  if (req.method !== 'GET') return false;
  const running = tasks.filter((task) => task.state === 'running').length;
  const queued = tasks.filter((task) => task.state === 'queued').length;
  if (path === '/api/v1/status') return json(res, { hub: HUB, time: iso(Date.now()), services: SERVICES, scheduler_paused: null, queue_depth: queued, running, silences: [], template_faults: ['email/notice.hbs:14:3: there is no field `titel`'] });
  if (path === '/api/v1/workers') return json(res, { queued, workers: [{ session: SESSION, node: 'hub1', pid: 49_995, services: ['worker', 'gc', 'sync'], types: TYPES, slots: 4, running, keys: [], started: iso(now - 52 * HOUR), state: 'online', lost: null }] });
  if (path === '/api/v1/datastores') return json(res, { datastores: DATASTORES });
  if (path === '/api/v1/projects') return json(res, { projects: [{ name: 'acme', title: 'Acme Ltd', 'max-running': 3 }] });
  if (path === '/api/v1/hub/backup') return json(res, { backups: [], archives: [{ path: '/var/lib/ironcore/backups/hub-20261130T020000Z.tar.zst', bytes: 48_211_904, made: iso(now - 9 * HOUR) }] });
  const usage = /^\/api\/v1\/datastores\/([^/]+)\/usage$/.exec(path)?.[1];
  if (usage !== undefined) return json(res, { datastore: usage, fill: 'full on 2027-02-11', dedup_ratio: 8.4, free_bytes: 390 * GiB, logical_bytes: 5_100 * GiB, stored_bytes: 610 * GiB, projection: null, samples: [] });
  const views = JOBS.map((each, at) => {
    const last = tasks.find((task) => task.job === each.name) ?? null;
    const next = !each.enabled || each.schedule === null ? [] : Array.from({ length: 5 }, (_, n) => ({ begins: iso(now + (at + 1) * HOUR + n * 24 * HOUR), due: iso(now + (at + 1) * HOUR + n * 24 * HOUR), ticks: 1, left_out: 0, held_by: null, upid: null }));
    return { job: each, last: last === null ? null : { ...last, warnings: [], tips: [] }, next, waiting: null };
  });
  if (path === '/api/v1/jobs') return json(res, { jobs: views });
  const one = views.find(({ job: { project, name } }) => path === `/api/v1/jobs/${project}/${name}`);
  if (one !== undefined) return json(res, one);
  if (path === '/api/v1/statistics') {
    const parts = query.get('by') === 'job' ? [['from-berlin', 31 * GiB, 48, 1], ['offsite', 212 * GiB, 6, 1]].map(([name, ...sums]) => ({ project: 'acme', job: name, datastore: null, figures: figures(...sums) })) : [];
    const series = query.get('bucket') === 'day' ? Array.from({ length: 14 }, (_, n) => ({ start: iso(Math.floor(now / (24 * HOUR)) * 24 * HOUR - (13 - n) * 24 * HOUR), figures: figures((12 + ((n * 7) % 5) * 4) * GiB, 8, n === 6 ? 1 : 0) })) : [];
    return json(res, { since: iso(now - 14 * 24 * HOUR), until: iso(now), types: ['sync'], bucket: query.get('bucket') ?? 'none', project: null, total: figures(243 * GiB, 54, 2), series, parts });
  }
  return false;
}
