import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

function memory(entries: Record<string, string> = {}) {
  const kept = new Map(Object.entries(entries));
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}

/** The module as after loading a page, with what the browser kept. */
async function load(tab: Record<string, string> = {}, browser: Record<string, string> = {}) {
  const storages = { sessionStorage: memory(tab), localStorage: memory(browser) };
  for (const [name, storage] of Object.entries(storages)) vi.stubGlobal(name, storage);
  return { ...(await import('./login')), ...storages };
}

describe('being signed in', () => {
  beforeEach(() => vi.resetModules());
  afterEach(() => vi.unstubAllGlobals());

  it('is known of a token, asked for where a cookie was, and by nobody else', async () => {
    expect((await load()).currentLogin()).toBeNull();
    vi.resetModules();
    expect((await load({}, { 'ironcore.login': '1' })).currentLogin()).toBeUndefined();
    vi.resetModules();
    expect((await load({ 'ironcore.token': 'secret' }, { 'ironcore.login': '1' })).currentLogin()).toMatchObject({ by: 'token', secret: 'secret' });
  });

  it('sends the token with everything, and the word against forgery with what changes something', async () => {
    const { headersOf } = await load();
    expect(headersOf({ by: 'token', secret: 'x' }, 'POST')).toEqual({ Authorization: 'Bearer x' });
    expect(headersOf({ by: 'cookie', csrf: 'c' }, 'get')).toEqual({});
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) expect(headersOf({ by: 'cookie', csrf: 'c' }, method)).toEqual({ 'X-CSRF-Token': 'c' });
  });

  it('ends with a refusal of its own, not with one that was meant for the login before', async () => {
    const { beginLogin, currentLogin, lastEnding, localStorage, refuseLogin } = await load();
    beginLogin({ by: 'cookie', csrf: 'one' });
    const before = currentLogin();
    beginLogin({ by: 'cookie', csrf: 'two' });
    refuseLogin(before as NonNullable<typeof before>);
    expect(currentLogin()).toMatchObject({ csrf: 'two' });
    expect(localStorage.getItem('ironcore.login')).not.toBeNull();
    refuseLogin(currentLogin() as NonNullable<typeof before>);
    expect([currentLogin(), lastEnding(), localStorage.getItem('ironcore.login')]).toEqual([null, 'refused', null]);
  });

  it('tells who listens', async () => {
    const { beginLogin, endLogin, onLoginChange } = await load();
    const heard = vi.fn();
    const stop = onLoginChange(heard);
    beginLogin({ by: 'token', secret: 'x' });
    endLogin();
    stop();
    beginLogin({ by: 'token', secret: 'x' });
    expect(heard).toHaveBeenCalledTimes(2);
  });
});
