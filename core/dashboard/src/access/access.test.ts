import { describe, expect, it } from 'vitest';

import { passwordFault } from '../signin/words';
import { fullUser, makePassword, ownerOf, roleAt, tokenStanding, userStanding } from './words';

const now = Date.parse('2026-05-21T10:00:00Z');
const user = { user: 'a@local', enabled: true, created: '2026-01-01T00:00:00Z', grants: [], password_set: '2026-01-01T00:00:00Z' };
const token = { user: 'a@local!x', role: 'member', created: '2026-01-01T00:00:00Z' };

describe('users and tokens', () => {
  it('stand as they do now', () => {
    expect(userStanding(user, now).word).toBe('active');
    expect(userStanding({ ...user, enabled: false, locked_until: '2026-05-21T10:10:00Z' }, now).word).toBe('disabled');
    expect(userStanding({ ...user, locked_until: '2026-05-21T10:10:00Z' }, now).word).toBe('locked');
    expect(userStanding({ ...user, locked_until: '2026-05-21T09:50:00Z' }, now).word).toBe('active');
    expect(userStanding({ ...user, password_set: null }, now).word).toBe('no password');
    expect(tokenStanding(token, now).word).toBe('good');
    expect(tokenStanding({ ...token, expires: '2026-05-22T10:00:00Z' }, now).word).toBe('expires soon');
    expect(tokenStanding({ ...token, expires: '2026-05-21T10:00:00Z' }, now).word).toBe('expired');
    expect(tokenStanding({ ...token, revoked: '2026-05-01T10:00:00Z', expires: '2026-05-22T10:00:00Z' }, now).word).toBe('revoked');
  });
  it('have names of their own', () => {
    expect([fullUser(' alice '), fullUser('bob@realm'), fullUser('')]).toEqual(['alice@local', 'bob@realm', '']);
    expect(ownerOf('alice@local!laptop')).toBe('alice@local');
    expect([roleAt({ role: 'admin' }), roleAt({ role: 'member', project: 'acme' })]).toEqual(['admin on the whole hub', 'member of acme']);
  });
});

describe('a password that is made up', () => {
  it('is one that the hub takes, and another each time', () => {
    const made = makePassword();
    expect(made).toMatch(/^\w{5}-\w{5}-\w{5}-\w{5}$/);
    expect(passwordFault(made, 'alice@local')).toBeNull();
    expect(makePassword()).not.toBe(made);
  });
});
