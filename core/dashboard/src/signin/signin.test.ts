import { describe, expect, it } from 'vitest';

import { ApiError } from '../api/client';
import { explainSignIn, explainToken, passwordFault } from './words';

const now = Date.parse('2026-05-21T10:03:00Z');
const of = (status: number, message: string) => explainSignIn(new ApiError(status, 'x', message), 'UTC', now);

describe('what went wrong at sign-in', () => {
  it('says until when a name is locked, in the zone of the pages', () => {
    expect(of(429, 'Nobody can sign in as alice@local until 2026-05-21T10:15:00Z, for too many attempts failed.'))
      .toBe('Too many attempts failed, so this name is locked. Try again at 10:15:00 (UTC), in 12 min.');
    expect(of(429, 'Too many attempts to sign in come from this address; wait a minute.')).toContain('wait a minute');
  });
  it('does not tell whether there is such a user', () => {
    expect(of(401, 'whatever')).toBe('The user name or the password is wrong.');
    expect(explainToken(new ApiError(401, 'auth.required', 'x'))).toContain('does not accept');
  });
});

describe('a password', () => {
  it('is refused as the hub refuses it', () => {
    expect(passwordFault('short', 'alice@local')).toBe('Use 12 characters or more; these are 5.');
    expect(passwordFault('aaaaaaaaaaaaaaaa', 'bob@local')).toContain('over and over');
    expect(passwordFault('Alice-in-2026-x', 'alice@local')).toContain('user’s name');
    expect(passwordFault('ä'.repeat(150) + 'b'.repeat(300), 'alice@local')).toContain('512');
    expect(passwordFault('correct horse battery', 'al@local')).toBeNull();
  });
});
