// The part of the mock that has something in the inbox, among incidents and messages. Only to be read.
import { iso, json } from './mock-answer.mjs';

const now = Date.now();
const WHAT = [
  ['error', 'task.failed', 'Backup of host/db-01 to ibs-primary failed: No space left on datastore ibs-primary', 'db-nightly'],
  ['info', 'task.completed', 'Backup of host/web-01 to ibs-primary: OK', 'web-nightly'],
  ['warning', 'task.warning', 'Backup of host/web-01 to ibs-primary ended with 2 warnings', 'web-nightly'],
  ['info', 'task.started', 'Sync of ibs-primary to ibs-archival has begun', 'offsite'],
  ['notice', 'scheduler.resumed', 'The scheduler goes on', null],
  ['error', 'sync.integrity-error', 'vm/12345/2026-05-21T00:00:00Z is CORRUPT: chunk 9f2c41d7 does not match its fingerprint', 'verify-weekly'],
];
const entries = Array.from({ length: 130 }, (_, at) => {
  const [severity, type, title, job] = WHAT[at % WHAT.length];
  const seq = 1_400 - at;
  return {
    seq, title, severity, link: null, links: [], tips: [], buttons: [], read: at % 3 === 1, muted: false, silenced: [], text: null, acknowledged: null,
    event: {
      specversion: '1.0', id: `018f2f6e-${String(seq).padStart(4, '0')}-7000-8000-000000000001`, source: 'urn:ironcore-backup:hub:mock', type: `ironcore.${type}`, subject: null, time: iso(now - at * 47 * 60_000),
      datacontenttype: 'application/json', dataschema: 'urn:ironcore-backup:event:1', data: { project: job === null ? null : 'acme', severity, title, job: job === null ? null : { name: job, project: 'acme' } },
    },
  };
});
const unread = entries.filter((entry) => !entry.read);
const of = (severity) => unread.filter((entry) => entry.severity === severity).length;

const messages = Array.from({ length: 120 }, (_, at) => {
  const state = at % 9 === 4 ? 'dead' : at === 0 ? 'pending' : 'delivered';
  return {
    id: `018f2f6e-${String(9_000 - at)}-7000-8000-000000000002`, project: 'acme', group: 'oncall', handler: ['mail', 'chat', 'pager'][at % 3], plugin: ['email', 'webhook', 'webhook'][at % 3], recipient: 'ops@example.net', kind: at % 7 === 3 ? 'digest' : 'notice',
    thread: `task:${at}`, state, events: at % 7 === 3 ? 4 : 1, attempts: state === 'dead' ? 8 : 1, replay: 0, created: iso(now - at * 53 * 60_000), ended: state === 'pending' ? null : iso(now - at * 53 * 60_000 + 900),
    next_attempt: state === 'pending' ? iso(now + 60_000) : null, receipt: state === 'delivered' ? '250 2.0.0 Ok: queued as 4F1B2C' : null, error: state === 'dead' ? { code: 'delivery.rejected', message: 'the destination answered 404: no such channel' } : null,
  };
});

const GROUP = { name: 'oncall', project: 'acme', handler: [{ name: 'mail', plugin: 'email', config: {} }, { name: 'chat', plugin: 'webhook', config: {} }, { name: 'pager', plugin: 'webhook', config: {} }] };

function page(res, q, all, name, extra) {
  const from = Number(q.get('cursor') ?? 0);
  const to = from + Number(q.get('limit') ?? 50);
  json(res, { [name]: all.slice(from, to), next: to < all.length ? String(to) : null, ...extra });
}

/** Answers what is about news, or gives false. */
export function newsRoutes(req, res, path, query) {
  if (req.method !== 'GET') return false;
  if (path === '/api/v1/inbox') {
    const severity = query.get('severity');
    return page(res, query, entries.filter((entry) => severity === null || severity === 'notice' || entry.severity === severity), 'entries', { unread: unread.length, unread_capped: false });
  }
  if (path === '/api/v1/inbox/counts') return json(res, { unread: unread.length, unread_capped: false, error: of('error'), warning: of('warning'), notice: of('notice'), info: of('info') });
  const entry = entries.find((each) => path === `/api/v1/inbox/${each.seq}`);
  if (entry !== undefined) return json(res, entry);
  if (path === '/api/v1/inbox/mutes') return json(res, { mutes: [{ number: 1, created: iso(now), rule: { types: ['ironcore.task.started'] } }] });
  if (path === '/api/v1/messages') {
    const states = query.get('state')?.split(',');
    const all = messages.filter((each) => states === undefined || states.includes(each.state));
    return page(res, query, all, 'messages', { count: all.length, count_capped: false });
  }
  if (path === '/api/v1/groups') return json(res, { groups: [GROUP], failing: [] });
  return false;
}
