// The bearer token of this browser tab: where it is kept, how it arrives, who hears of a change.

const KEY = 'ironcore.token';
const listeners = new Set<() => void>();

/** The token, or null when nobody is signed in. */
export function currentToken(): string | null {
  return sessionStorage.getItem(KEY);
}

/** Keeps a token for this tab, or forgets it. */
export function setToken(token: string | null): void {
  if (token === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, token);
  for (const listener of listeners) listener();
}

/** Calls `listener` after each change; answers how to stop. */
export function onTokenChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Splits `#token=SECRET` off a fragment: the token, and the fragment that may stay in the address bar. */
export function tokenFromHash(hash: string): { token: string | null; rest: string } {
  const params = new URLSearchParams(hash.replace(/^#/, ''));
  const token = params.get('token')?.trim() ?? '';
  if (token === '') return { token: null, rest: hash };
  params.delete('token');
  const rest = params.toString();
  return { token, rest: rest === '' ? '' : `#${rest}` };
}

/** Takes a token out of the address bar, so that it stays neither in history nor on a screenshot. */
export function adoptTokenFromAddress(): void {
  const { token, rest } = tokenFromHash(window.location.hash);
  if (token === null) return;
  setToken(token);
  window.history.replaceState(window.history.state, '', window.location.pathname + window.location.search + rest);
}
