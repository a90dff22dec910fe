import { describe, expect, it } from 'vitest';

import { ApiError } from '../api/client';
import { stepOf } from './steps';
import { codeFault, explainCode, explainSetUp, explainSignIn, explainToken, inGroups, isStepOver, passwordFault } from './words';

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

describe('a second factor', () => {
  const refused = (message: string, status = 401) => new ApiError(status, 'auth.required', message);
  it('tells a wrong code from a step that is over, and from a locked name', () => {
    expect(isStepOver(refused('This step to sign in is over; begin again with the password.'))).toBe(true);
    expect(isStepOver(refused('The code is wrong, or was used before.'))).toBe(false);
    expect(explainCode(refused('x'), 'UTC', now)).toContain('wrong, or was used before');
    expect(explainCode(refused('Nobody can sign in as a@local until 2026-05-21T10:15:00Z, for x.', 429), 'UTC', now)).toContain('locked');
  });
  it('takes codes as people write them', () => {
    expect([codeFault('123 456', false), codeFault('abcd-efgh-2345-mnop', true), codeFault('ABCDEFGH2345MNOP', true)]).toEqual([null, null, null]);
    expect([codeFault('12345', false), codeFault(' ', false), codeFault('123456', true)].every((fault) => fault !== null)).toBe(true);
    expect(inGroups('ABCDEFGHIJ')).toBe('ABCD EFGH IJ');
  });
  it('is set up on the way where there is none', () => {
    const wanted = { step: 's', expires: '2026-05-21T10:08:00Z', set_up: true };
    expect([stepOf(wanted).at, stepOf({ ...wanted, set_up: false }).at]).toEqual(['new-factor', 'code']);
  });
});

describe('the set-up', () => {
  it('tells a hub that is set up from a wrong link', () => {
    expect(explainSetUp(new ApiError(409, 'conflict', 'x'))).toContain('already');
    expect(explainSetUp(new ApiError(401, 'auth.required', 'x'))).toContain('setup.token');
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
