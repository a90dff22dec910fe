// Why signing in failed, in words that say what to do next.
import { ApiError } from '../api/client';
import { formatClock, formatDuration } from '../format/time';

/** The time in “Nobody can sign in as alice@local until 2026-05-21T10:15:00Z, …”, in milliseconds. */
function lockedUntil(message: string): number | null {
  const text = /until (\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))/.exec(message)?.[1];
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? null : time;
}

export function explainSignIn(cause: unknown, zone: string, now: number): string {
  if (!(cause instanceof ApiError)) return 'This contains characters that cannot be sent.';
  if (cause.status === 401) return 'The user name or the password is wrong.';
  if (cause.status === 403) return 'You may not do anything here yet. Ask an administrator for a role.';
  const until = cause.status === 429 ? lockedUntil(cause.message) : null;
  if (until === null) return cause.message;
  const left = until > now ? `, in ${formatDuration(until - now)}` : '';
  return `Too many attempts failed, so this name is locked. Try again at ${formatClock(new Date(until).toISOString(), zone)} (${zone})${left}.`;
}

export function explainToken(cause: unknown): string {
  if (!(cause instanceof ApiError)) return 'The token contains characters that no token has.';
  return cause.status === 401 ? 'The hub does not accept this token. It may have expired or been revoked.' : cause.message;
}

/** The shortest password that the hub takes, in characters. */
export const SHORTEST_PASSWORD = 12;

/** What the hub would refuse in a password chosen for `user`, said while it is typed. */
export function passwordFault(password: string, user: string): string | null {
  const letters = Array.from(password);
  const name = (user.split('@')[0] ?? '').toLowerCase();
  if (letters.length < SHORTEST_PASSWORD) return `Use ${SHORTEST_PASSWORD} characters or more; these are ${letters.length}.`;
  if (new TextEncoder().encode(password).length > 512) return 'Use 512 bytes or less.';
  if (letters.every((letter) => letter === letters[0])) return 'It is one character over and over.';
  if (name.length > 3 && password.toLowerCase().includes(name)) return 'It contains the user’s name.';
  return null;
}
