// Which event is explained, as it stands in the address: one that happened, or one that is made up.
import { type ExplainWish, shortType, TASK_STATES, TASK_TYPES, type EventType, EVENT_TYPES, SEVERITIES } from '../api/model';
import { shellQuote } from '../format/upid';
import { resolveTime } from '../tasks/filters';
import { oneOf, textOf, tidy, type Raw } from '../ui/search';

export interface ExplainSearch {
  /** The id of an event that happened. */
  event?: string;
  /** The rest makes one up; `type` has to be there. */
  type?: string;
  project?: string;
  job?: string;
  datastore?: string;
  task?: string;
  severity?: string;
  code?: string;
  before?: string;
  at?: string;
}

export function readExplainSearch(raw: Raw): ExplainSearch {
  const event = textOf(raw.event);
  if (event !== undefined) return { event };
  const time = textOf(raw.at);
  return tidy<ExplainSearch>({
    type: oneOf(shortType(textOf(raw.type) ?? ''), EVENT_TYPES),
    project: textOf(raw.project),
    job: textOf(raw.job),
    datastore: textOf(raw.datastore),
    task: oneOf(raw.task, TASK_TYPES),
    severity: oneOf(raw.severity, SEVERITIES),
    code: textOf(raw.code),
    before: oneOf(raw.before, TASK_STATES),
    at: time !== undefined && resolveTime(time, 0) !== null ? time : undefined,
  });
}

/** What the hub is asked; null while nothing is. */
export function toExplainRequest(search: ExplainSearch, now: number): ExplainWish | null {
  if (search.event !== undefined) return { event: search.event };
  if (search.type === undefined) return null;
  const made: Record<string, string> = { type: `ironcore.${search.type}` as EventType };
  const { project, job, datastore, task, severity, code, before, at } = search;
  const time = at === undefined ? null : resolveTime(at, now);
  for (const [key, value] of Object.entries({ project, job, datastore, 'task-type': task, severity, code, before, at: time })) {
    if (value != null) made[key] = value;
  }
  return { 'made-up': made };
}

export function toExplainCommand(search: ExplainSearch): string | null {
  if (search.event !== undefined) return `ironcore-backup notify explain ${shellQuote(search.event)}`;
  if (search.type === undefined) return null;
  const { type, project, job, datastore, task, severity, code, before, at } = search;
  const flags = Object.entries({ type, project, job, datastore, 'task-type': task, severity, code, before: before?.toUpperCase(), at })
    .flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${shellQuote(value)}`]));
  return ['ironcore-backup notify explain', ...flags].join(' ');
}
