// A calendar expression in words, as the command line writes it. What is not understood here stays an expression: the hub
// reads more than this does, and only the hub decides when a job runs.

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'] as const;
const NAMED: Record<string, string> = {
  minutely: 'every minute', hourly: 'every hour', daily: 'at 00:00 every day', weekly: 'at 00:00 on Monday',
  monthly: 'at 00:00 on day 1 of the month', yearly: 'at 00:00 on day 1 of the month, in January', annually: 'at 00:00 on day 1 of the month, in January',
  quarterly: 'at 00:00 on day 1 of the month, in January, April, July and October', semiannually: 'at 00:00 on day 1 of the month, in January and July',
};
/** More times of day than these are told by their rule instead of one by one. */
const MOST_TIMES = 6;

const all = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, at) => first + at);
const two = (number: number) => String(number).padStart(2, '0');

function join(parts: string[]): string {
  const last = parts.at(-1) ?? '';
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} and ${last}`;
}

/** `1, 3 and 5 to 9`: three or more in a row become a range. */
function ranges(numbers: number[], say: (number: number) => string): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] + 1 === number) run[1] = number;
    else runs.push([number, number]);
  }
  return join(runs.flatMap(([first, last]) => (last === first ? [say(first)] : last === first + 1 ? [say(first), say(last)] : [`${say(first)} to ${say(last)}`])));
}

/** Reads `*`, `3`, `1..5`, `0/15`, `8..18/2` and lists of them; null when it is something else. */
function numbers(text: string, first: number, last: number, read: (word: string) => number | null, range: string): number[] | null {
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const [span = '', step, more] = part.split('/');
    if (more !== undefined || (step !== undefined && !/^\d+$/.test(step))) return null;
    const by = step === undefined ? 1 : Number(step);
    const ends = span === '*' ? [first, last] : span.split(range).map(read);
    const from = ends[0] ?? null;
    const to = ends.length === 1 ? (step === undefined ? from : last) : (ends[1] ?? null);
    if (from === null || to === null || ends.length > 2 || by < 1 || from < first || to > last || from > to) return null;
    for (let number = from; number <= to; number += by) found.add(number);
  }
  return [...found].sort((a, b) => a - b);
}

const plain = (word: string) => (/^\d{1,2}$/.test(word) ? Number(word) : null);
const named = (names: readonly string[], offset: number) => (word: string) => {
  const at = word.length < 3 ? -1 : names.findIndex((name) => name.toLowerCase().startsWith(word.toLowerCase()));
  return at === -1 ? plain(word) : at + offset;
};

interface Fields {
  weekdays: number[];
  months: number[];
  days: number[];
  hours: number[];
  minutes: number[];
  /** Crontab: either of day and weekday is enough. */
  either: boolean;
}

function readSystemd(text: string): Fields | null {
  const out: Fields = { weekdays: all(0, 6), months: all(1, 12), days: all(1, 31), hours: [0], minutes: [0], either: false };
  for (const word of text.split(/\s+/)) {
    if (/^[a-z]{3}/i.test(word)) {
      const days = numbers(word, 0, 6, named(WEEKDAYS, 0), '..');
      if (days === null) return null;
      out.weekdays = days;
    } else if (word.includes(':')) {
      const [hour = '', minute = '', second = '0', more] = word.split(':');
      const [hours, minutes] = [numbers(hour, 0, 23, plain, '..'), numbers(minute, 0, 59, plain, '..')];
      if (hours === null || minutes === null || Number(second) !== 0 || more !== undefined) return null;
      out.hours = hours;
      out.minutes = minutes;
    } else {
      const [day = '', month = '', year = '*'] = word.split('-').reverse();
      const [days, months] = [numbers(day, 1, 31, plain, '..'), numbers(month, 1, 12, plain, '..')];
      if (days === null || months === null || year !== '*') return null;
      out.days = days;
      out.months = months;
    }
  }
  return out;
}

function readCrontab(text: string): Fields | null {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = text.split(/\s+/);
  const minutes = numbers(minute, 0, 59, plain, '-');
  const hours = numbers(hour, 0, 23, plain, '-');
  const days = numbers(day, 1, 31, plain, '-');
  const months = numbers(month, 1, 12, named(MONTHS, 1), '-');
  // Sunday is 0 and 7.
  const weekdays = numbers(weekday, 0, 7, named(['Sunday', ...WEEKDAYS], 0), '-');
  if (minutes === null || hours === null || days === null || months === null || weekdays === null) return null;
  const fromMonday = [...new Set(weekdays.map((each) => (each + 6) % 7))].sort((a, b) => a - b);
  return { minutes, hours, days, months, weekdays: fromMonday, either: !day.startsWith('*') && !weekday.startsWith('*') };
}

/** The step of numbers that go from 0 to the end without a shorter step at the turn: 0, 15, 30, 45. */
function every(set: number[], end: number): number | null {
  const step = end / set.length;
  return set.length > 1 && Number.isInteger(step) && set.every((number, at) => number === at * step) ? step : null;
}

function time({ hours, minutes }: Fields): string {
  if (hours.length * minutes.length <= MOST_TIMES) return `at ${join(hours.flatMap((hour) => minutes.map((minute) => `${two(hour)}:${two(minute)}`)))}`;
  const step = every(minutes, 60);
  const counted = (unit: string, set: number[]) => `${unit}${set.length === 1 ? '' : 's'} ${ranges(set, String)}`;
  const ofMinutes = step === 1 ? 'every minute' : step === null ? null : `every ${step} minutes`;
  if (hours.length === 24) return ofMinutes ?? (minutes.length === 1 && minutes[0] === 0 ? 'every hour' : `every hour at ${counted('minute', minutes)}`);
  const hourStep = every(hours, 24);
  return `${ofMinutes ?? `every ${counted('minute', minutes)}`} of ${hourStep === null ? counted('hour', hours) : `every ${hourStep} hours`}`;
}

function date({ weekdays, days, months, either }: Fields): string | null {
  const weekday = weekdays.length === 7 ? null : ranges(weekdays, (at) => WEEKDAYS[at] ?? '');
  const day = days.length === 31 ? null : `day${days.length === 1 ? '' : 's'} ${ranges(days, String)}`;
  let text = 'every day';
  if (day !== null && weekday !== null) text = either ? `on ${day} of the month or on ${weekday}` : `on ${weekday} that is ${day} of the month`;
  else if (day !== null) text = `on ${day} of the month`;
  else if (weekday !== null) text = `on ${weekday}`;
  else if (months.length === 12) return null;
  return months.length === 12 ? text : `${text}, in ${ranges(months, (at) => MONTHS[at - 1] ?? '')}`;
}

/** `mon..fri 08:00` → `at 08:00 on Monday to Friday`; null when it is not understood here. */
export function scheduleInWords(expression: string): string | null {
  const text = expression.trim();
  const name = NAMED[text.toLowerCase()];
  if (name !== undefined) return name;
  if (text === '') return null;
  const fields = text.split(/\s+/).length === 5 && !text.includes(':') ? readCrontab(text) : readSystemd(text);
  if (fields === null) return null;
  const [at, on] = [time(fields), date(fields)];
  if (on !== null) return `${at} ${on}`;
  return at.startsWith('every') ? at : `${at} every day`;
}
