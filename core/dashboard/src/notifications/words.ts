// What a declaration of notification says, in words: filters, rules, and how often a handler is told.
import { type EventFilter, type GroupRule, type Handler, type Hours, type Matchers, shortType } from '../api/model';

const DAYS: Record<string, string> = { mon: 'Mon', tue: 'Tue', wed: 'Wed', thu: 'Thu', fri: 'Fri', sat: 'Sat', sun: 'Sun' };
const WEEK = Object.keys(DAYS);

/** `a, b or c`. */
export function orList(words: readonly string[], last = 'or'): string {
  return words.length <= 1 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1) ?? ''}`;
}

/** `Mon–Fri` for days that follow one another, else each of them. */
export function daysInWords(days: readonly string[]): string {
  const at = days.map((day) => WEEK.indexOf(day)).sort((a, b) => a - b);
  const first = at[0] ?? 0;
  const run = at.length > 2 && at.every((day, index) => day === first + index);
  const name = (day: number) => DAYS[WEEK[day] ?? ''] ?? '';
  return run ? `${name(first)}–${name(at.at(-1) ?? first)}` : at.map(name).join(', ');
}

export function hoursInWords(hours: Hours): string {
  const days = hours.days === undefined || hours.days.length === 0 ? 'every day' : daysInWords(hours.days);
  const from = hours.from ?? '00:00';
  const to = hours.to ?? '24:00';
  const time = from === '00:00' && to === '24:00' ? 'all day' : `${from}–${to}`;
  return `${days}, ${time} (${hours.timezone ?? 'UTC'})`;
}

/** What lets an event pass, part by part; no part when everything passes. */
export function filterInWords(filter: EventFilter | undefined): string[] {
  if (filter === undefined) return [];
  const out: string[] = [];
  if (filter.events != null) out.push(filter.events.length === 0 ? 'all event types' : filter.events.map(shortType).join(', '));
  if (filter['min-severity'] != null) out.push(filter['min-severity'] === 'error' ? 'errors only' : `${filter['min-severity']} or more`);
  if (filter['changes-only'] === true) out.push('changes of the outcome only');
  if (filter.jobs !== undefined && filter.jobs.length > 0) out.push(`job ${orList(filter.jobs)}`);
  if (filter.datastores !== undefined && filter.datastores.length > 0) out.push(`datastore ${orList(filter.datastores)}`);
  if (filter.hours != null) out.push(hoursInWords(filter.hours));
  return out;
}

/** What a rule does, after “tells”. */
export function tellInWords(rule: GroupRule): string {
  if (rule.tell == null) return 'tells every handler of the group';
  return rule.tell.length === 0 ? 'tells nobody' : `tells ${orList(rule.tell, 'and')}`;
}

export function thenInWords(rule: GroupRule): string {
  return rule.then === 'continue' ? 'then goes on with what comes after' : 'then it is over';
}

/** How often a handler is told, as pairs of a word and what it says. */
export function pacing(handler: Handler): [name: string, text: string][] {
  const out: [string, string][] = [];
  const { digest, quiet, limit, incidents } = handler;
  if (digest != null) {
    const when = digest.every === 'hour' ? 'every hour' : digest.every === 'day' ? 'every day' : `every ${DAYS[digest.on ?? 'mon'] ?? ''}`;
    const at = digest.every === 'hour' ? '' : ` at ${digest.at ?? '00:00'} (${digest.timezone ?? 'UTC'})`;
    out.push(['Digest', `${when}${at}${digest.unless == null ? '' : `; ${digest.unless} or more at once`}`]);
  }
  if (quiet != null) out.push(['Quiet hours', `${hoursInWords(quiet.hours ?? {})}${quiet.unless == null ? '' : `; ${quiet.unless} or more at once`}`]);
  if (limit != null) out.push(['Limit', `${limit.messages ?? 0} messages in ${limit.per ?? ''}; the rest comes together`]);
  if (incidents != null) {
    const parts = [`first after ${incidents.wait ?? '0s'}`, `more at most every ${incidents.interval ?? '5m'}`];
    parts.push(incidents.repeat === '0s' ? 'never repeated' : `repeated every ${incidents.repeat ?? '4h'}`);
    if (incidents.recovery === false) parts.push('the end is not told');
    if (incidents.escalate != null) parts.push(`escalates to ${incidents.escalate.to ?? ''} after ${incidents.escalate.after ?? ''}`);
    out.push(['Incidents', parts.join('; ')]);
  }
  return out;
}

/** What a silence or a window is about. */
export function matchersInWords(when: Matchers | undefined): string[] {
  if (when === undefined) return [];
  const out: string[] = [];
  if (when.events !== undefined && when.events.length > 0) out.push(when.events.map(shortType).join(', '));
  const { 'min-severity': min, 'max-severity': max } = when;
  if (min != null && max != null) out.push(min === max ? `severity ${min}` : `${min} to ${max}`);
  else if (min != null) out.push(`${min} or more`);
  else if (max != null) out.push(`${max} or less`);
  if (when.jobs !== undefined && when.jobs.length > 0) out.push(`job ${orList(when.jobs)}`);
  if (when.datastores !== undefined && when.datastores.length > 0) out.push(`datastore ${orList(when.datastores)}`);
  return out;
}

/** Where a handler sends to, as far as its configuration says so in the clear. */
export function destination(config: unknown): string | null {
  if (typeof config !== 'object' || config === null) return null;
  const { url, to, host } = config as Record<string, unknown>;
  if (typeof url === 'string') return url;
  if (typeof url === 'object' && url !== null && 'secret' in url) return `the URL in the secret ${String(url.secret)}`;
  if (Array.isArray(to)) return to.filter((each) => typeof each === 'string').join(', ');
  return typeof host === 'string' ? host : null;
}

/** A sentence that goes on after a colon. */
export function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
