// Roles, users and tokens in a few words.
import type { Grant, Token, User } from '../api/model';

/** `operator of acme`, `admin on the whole hub`. */
export function roleAt({ role, project }: Pick<Grant, 'role' | 'project'>): string {
  return `${role} ${project == null ? 'on the whole hub' : `of ${project}`}`;
}

export type Standing = { kind: 'ok' | 'warning' | 'failed' | 'quiet'; word: string; why: string };

/** Whether somebody can sign in now, and why not. */
export function userStanding(user: User, now: number): Standing {
  if (!user.enabled) return { kind: 'quiet', word: 'disabled', why: 'It can neither sign in nor use its tokens.' };
  if (user.locked_until != null && Date.parse(user.locked_until) > now) return { kind: 'failed', word: 'locked', why: 'Too many attempts to sign in failed. It ends by itself.' };
  if (user.password_set == null) return { kind: 'quiet', word: 'no password', why: 'It cannot sign in by a password, but have tokens.' };
  return { kind: 'ok', word: 'active', why: 'It can sign in.' };
}

const SOON_MS = 7 * 86_400_000;

/** Whether a token is of use now. */
export function tokenStanding(token: Token, now: number): Standing {
  if (token.revoked != null) return { kind: 'quiet', word: 'revoked', why: 'It was taken back.' };
  const left = token.expires == null ? Infinity : Date.parse(token.expires) - now;
  if (left <= 0) return { kind: 'quiet', word: 'expired', why: 'Its time is over.' };
  if (left < SOON_MS) return { kind: 'warning', word: 'expires soon', why: 'It is of no use any more in a few days.' };
  return { kind: 'ok', word: 'good', why: 'It may be used.' };
}

/** The user in `alice@local!laptop`. */
export function ownerOf(token: string): string {
  return token.split('!')[0] ?? token;
}

/** `alice` is `alice@local`. */
export function fullUser(text: string): string {
  const user = text.trim();
  return user === '' || user.includes('@') ? user : `${user}@local`;
}

const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789'.padEnd(32, 'ABCDEFGH');

/** A password that nobody guesses, easy to read out: four groups of five. */
export function makePassword(): string {
  const letters = [...crypto.getRandomValues(new Uint8Array(20))].map((byte) => ALPHABET[byte & 31] ?? 'a').join('');
  return letters.replace(/(.{5})(?=.)/g, '$1-');
}
