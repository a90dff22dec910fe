// Points in time and lengths of time as people read them. The zone is always given, never assumed.

/** The zones that can be chosen: the one of this browser, and UTC. */
export function browserZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function parts(time: Date, zone: string): Record<string, string> {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
      timeZoneName: 'longOffset',
    });
    formatters.set(zone, formatter);
  }
  return Object.fromEntries(formatter.formatToParts(time).map((part) => [part.type, part.value]));
}

/** `+02:00`, `+00:00` for UTC. */
export function offsetOf(time: Date, zone: string): string {
  const name = parts(time, zone).timeZoneName ?? 'GMT';
  return name === 'GMT' ? '+00:00' : name.replace('GMT', '');
}

/** `2026-05-21 02:00:00` in `zone`. */
export function formatTime(text: string, zone: string): string {
  const p = parts(new Date(text), zone);
  return `${p.year ?? ''}-${p.month ?? ''}-${p.day ?? ''} ${p.hour ?? ''}:${p.minute ?? ''}:${p.second ?? ''}`;
}

/** `text` as it is written beside the earlier time `before`: `02:00:00` on the same day, `05-21 02:00:00` in the same
 * year, else in full. */
export function formatTimeAfter(text: string, before: string, zone: string): string {
  const [full, other] = [formatTime(text, zone), formatTime(before, zone)];
  if (full.slice(0, 10) === other.slice(0, 10)) return full.slice(11);
  return full.slice(0, 5) === other.slice(0, 5) ? full.slice(5) : full;
}

/** `02:00:00` in `zone`. */
export function formatClock(text: string, zone: string): string {
  const p = parts(new Date(text), zone);
  return `${p.hour ?? ''}:${p.minute ?? ''}:${p.second ?? ''}`;
}

/** `2026-05-21 02:00:00 +02:00 · 3 h ago`: all that a tooltip can say about a point in time. */
export function describeTime(text: string, zone: string, now: number): string {
  const time = new Date(text);
  return `${formatTime(text, zone)} ${offsetOf(time, zone)} · ${formatAgo(now - time.getTime())}`;
}

/** `45 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`: two units at most. */
export function formatDuration(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const units: [number, string][] = [
    [Math.floor(total / 86_400), 'd'],
    [Math.floor(total / 3_600) % 24, 'h'],
    [Math.floor(total / 60) % 60, 'min'],
    [total % 60, 's'],
  ];
  const first = units.findIndex(([amount]) => amount > 0);
  if (first === -1) return ms > 0 ? '< 1 s' : '0 s';
  return units
    .slice(first, first + 2)
    .filter(([amount], at) => at === 0 || amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
}

/** `just now`, `3 h 5 min ago`; a clock that is a little ahead gives `just now` too. */
export function formatAgo(ms: number): string {
  return ms < 5_000 ? 'just now' : `${formatDuration(ms)} ago`;
}

/** Milliseconds from `start` to `end`, or to `now` while there is no end; null without a start. */
export function elapsed(start: string | null | undefined, end: string | null | undefined, now: number): number | null {
  if (start == null) return null;
  return Math.max(0, (end == null ? now : Date.parse(end)) - Date.parse(start));
}

/** Reads `2026-05-21T02:00` as a local time of `zone`; null when it is none. A local time that a change of the
 * clocks skips becomes the one an hour later; of one that repeats, either may be meant. */
export function fromZoned(text: string, zone: string): string | null {
  const wall = Date.parse(`${text}Z`);
  if (Number.isNaN(wall)) return null;
  let time = wall;
  // The offset depends on the instant, which depends on the offset: the second round settles it.
  for (let round = 0; round < 2; round += 1) time = wall - offsetMs(new Date(time), zone);
  return new Date(time).toISOString().replace('.000Z', 'Z');
}

/** The other way: what a `datetime-local` field shows for `text` in `zone`. */
export function toZoned(text: string, zone: string): string {
  return formatTime(text, zone).slice(0, 16).replace(' ', 'T');
}

function offsetMs(time: Date, zone: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):(\d{2})/.exec(offsetOf(time, zone)) ?? [];
  const amount = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
  return sign === '-' ? -amount : amount;
}
