// The filters of the task list as they stand in the address, and what they mean to the API and on the command line.
import { SHOWN, TASK_STATES, TASK_TYPES, type TaskState, type TaskType } from '../api/model';
import { shellQuote } from '../format/upid';

/** The address's query, all readable text: `?type=sync&status=FAILED&since=24h ago`. */
export interface TaskSearch {
  type?: string;
  status?: string;
  since?: string;
  until?: string;
  user?: string;
  job?: string;
  text?: string;
}

/** The spans offered by name. */
export const SPANS: readonly { value: string; label: string }[] = [
  { value: '1h ago', label: 'Last hour' },
  { value: '24h ago', label: 'Last 24 hours' },
  { value: '7d ago', label: 'Last 7 days' },
  { value: '30d ago', label: 'Last 30 days' },
];

const SPAN_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

function words(text: unknown): string[] {
  if (typeof text !== 'string') return [];
  return text.split(',').map((word) => word.trim().toLowerCase()).filter((word) => word !== '');
}

/** The types named in `text`, in the usual order; unknown words are dropped. */
export function readTypes(text: unknown): TaskType[] {
  const wanted = words(text);
  return TASK_TYPES.filter((type) => wanted.includes(type));
}

/** The states named in `text`; case is ignored. */
export function readStates(text: unknown): TaskState[] {
  const wanted = words(text);
  return TASK_STATES.filter((state) => wanted.includes(state));
}

/** `24h ago` or RFC 3339 as RFC 3339; null when it is neither. */
export function resolveTime(text: string, now: number): string | null {
  const span = /^(\d{1,6})\s*([smhdw])(?:\s+ago)?$/i.exec(text.trim());
  if (span !== null) {
    const unit = SPAN_MS[(span[2] ?? '').toLowerCase()] ?? 0;
    return new Date(now - Number(span[1]) * unit).toISOString();
  }
  if (!/^\d{4}-\d{2}-\d{2}T/.test(text)) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}

/** Reads the address's query; what cannot be understood is left out rather than shown as an error. */
export function readSearch(search: Record<string, unknown>): TaskSearch {
  const out: TaskSearch = {};
  const types = readTypes(search.type);
  if (types.length > 0) out.type = types.join(',');
  const states = readStates(search.status);
  if (states.length > 0) out.status = states.map((state) => SHOWN[state]).join(',');
  for (const key of ['since', 'until'] as const) {
    const value = search[key];
    if (typeof value === 'string' && resolveTime(value, 0) !== null) out[key] = value.trim();
  }
  for (const key of ['user', 'job', 'text'] as const) {
    const value = search[key];
    if (typeof value === 'string' && value.trim() !== '') out[key] = value.trim();
  }
  return out;
}

/** How many filters are set; a time range counts once. */
export function countFilters(search: TaskSearch): number {
  const others = [search.type, search.status, search.user, search.job, search.text];
  return others.filter((value) => value !== undefined).length + (search.since ?? search.until ? 1 : 0);
}

/** The query of `GET /tasks`, with relative times made absolute. */
export function toQuery(search: TaskSearch, now: number): Record<string, string> {
  const query: Record<string, string> = {};
  if (search.type !== undefined) query.type = search.type;
  const states = readStates(search.status);
  if (states.length > 0) query.status = states.join(',');
  for (const key of ['since', 'until'] as const) {
    const time = search[key] === undefined ? null : resolveTime(search[key], now);
    if (time !== null) query[key] = time;
  }
  for (const key of ['user', 'job', 'text'] as const) if (search[key] !== undefined) query[key] = search[key];
  return query;
}

/** The command that lists the same tasks. */
export function toCommand(search: TaskSearch): string {
  const flags = (['type', 'status', 'since', 'until', 'user', 'job', 'text'] as const).flatMap((key) => {
    const value = search[key];
    return value === undefined ? [] : [`--${key} ${shellQuote(value)}`];
  });
  return ['ironcore-backup task list', ...flags].join(' ');
}

/** Address text to query and back: plain words, because people read, edit and send these links. */
export function parseSearch(text: string): Record<string, unknown> {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (typeof value === 'string' && value !== '') params.set(key, value);
  }
  const text = params.toString().replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%40', '@');
  return text === '' ? '' : `?${text}`;
}
