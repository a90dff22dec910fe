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

/** What somebody did too slowly, or twice: only the password leads on. The hub has no code of its own for it. */
export function isStepOver(cause: unknown): boolean {
  return cause instanceof ApiError && cause.status === 401 && cause.message.includes('step to sign in is over');
}

export function explainCode(cause: unknown, zone: string, now: number): string {
  if (cause instanceof ApiError && cause.status === 401) return 'The code is wrong, or was used before. Wait for the next one, and check that the clock of your telephone is right.';
  return explainSignIn(cause, zone, now);
}

export function codeFault(code: string, recovery: boolean): string | null {
  const plain = code.replace(/[\s-]/g, '');
  if (plain === '') return 'The code is missing.';
  if (recovery) return /^[a-z2-7]{16}$/i.test(plain) ? null : 'A recovery code has four groups of four letters and digits.';
  return /^\d{6}$/.test(plain) ? null : 'A code has six digits.';
}

/** Why the hub was not set up. */
export function explainSetUp(cause: unknown): string {
  if (!(cause instanceof ApiError)) return 'This contains characters that cannot be sent.';
  if (cause.status === 409) return 'This hub is set up already: there is an administrator, who makes other users.';
  if (cause.status === 401) return 'The set-up token of this link is wrong. The one that is good is in the file setup.token of the hub’s data folder.';
  return cause.message;
}

/** `ABCD EFGH …`, for who types it. */
export function inGroups(secret: string): string {
  return secret.replace(/(.{4})(?=.)/g, '$1 ');
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
