// The part of the mock that says what would be: the next runs of a job, and what retention would keep and remove.
import { bodyOf, iso, json, problem } from './mock-answer.mjs';

const DAY = 86_400_000;
const groups = ['vm/12345', 'host/web-01', 'host/db-01'];

export async function planRoutes(req, res, path) {
  if (path === '/api/v1/plans/runs') {
    const { job } = await bodyOf(req);
    if (!/\d/.test(job.schedule ?? '')) return problem(res, 400, 'request.invalid', 'The job is not valid.', [{ key: 'schedule', detail: `cannot be read: \`${job.schedule}\``, code: 'request.invalid' }]);
    const first = Math.ceil(Date.now() / DAY) * DAY + 2 * 3_600_000;
    const held = job.blackout[0] ?? null;
    const runs = Array.from({ length: 10 }, (_, at) => ({ begins: iso(first + at * DAY), due: iso(first + at * DAY), ticks: 1, left_out: 0, held_by: at === 1 ? held : null, upid: null }));
    return json(res, { runs, left_out: 0, endless: false });
  }
  if (path !== '/api/v1/plans/prune') return false;
  const { prune: { datastore, keep } } = await bodyOf(req);
  const rules = Object.values(keep).filter((each) => each !== null);
  if (rules.length > 0 && rules.every((each) => each === 0)) return problem(res, 400, 'request.invalid', 'keep: every rule is 0, which would remove every snapshot; leave a rule out to switch it off.');
  const today = Math.floor(Date.now() / DAY) * DAY;
  const snapshots = groups.flatMap((group) => Array.from({ length: 40 }, (_, at) => {
    const time = iso(today - (40 - at) * DAY).replace('.000', '');
    const age = 39 - at;
    const why = rules.length === 0 ? 'no-rules' : age === 35 ? 'protected' : age < (keep.last ?? 0) ? 'last' : age < (keep.daily ?? 0) ? 'daily' : age % 7 === 0 && age / 7 < (keep.weekly ?? 0) ? 'weekly' : age % 30 === 0 && age / 30 < (keep.monthly ?? 0) ? 'monthly' : 'no-rule-keeps';
    return { snapshot: `${datastore}:${group}/${time}`, time, kept: why !== 'no-rule-keeps', why };
  }));
  const kept = snapshots.filter((each) => each.kept).length;
  return json(res, { snapshots, kept, removed: snapshots.length - kept, left_alone: [{ snapshot: `${datastore}:host/web-01/2026-02-03T02:00:00Z`, code: 'manifest.corrupt', reason: 'the manifest does not match its signature' }] });
}
