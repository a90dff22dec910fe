// How this browser is signed in: by the hub's cookie, which no script reads, or by a token that this tab keeps. What every
// request carries for it, and who hears of a change.

/** A cookie goes along by itself; what changes something says `csrf` beside it, which other sites cannot know. */
export type Credential = { by: 'cookie'; csrf: string } | { by: 'token'; secret: string };

/** `turn` is another one for each signing in and each change of role: whatever was known under the old one is forgotten. */
export type Login = Credential & { turn: number };

/** Why nobody is signed in any more; null when nobody was, or by somebody's own wish. */
export type Ending = 'refused' | 'new-password' | 'no-factor' | 'elsewhere' | null;

/** The secret of this tab's token. */
const TOKEN = 'ironcore.token';
/** Written whenever the cookie changes, for the other tabs, and to know whether to ask for it at all. */
const COOKIE = 'ironcore.login';

/** The address that this tab left to sign in elsewhere. */
const AWAY = 'ironcore.away';
/** The token of the set-up, until it was used. */
const SETUP = 'ironcore.setup';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const listeners = new Set<() => void>();
let turn = 0;
let ending: Ending = null;
/** Undefined while nobody has looked yet whether the cookie is still good. */
let login: Login | null | undefined;
let begun = false;

function change(next: Login | null | undefined, why: Ending = null): void {
  begun = true;
  login = next;
  ending = why;
  for (const listener of listeners) listener();
}

function next(credential: Credential): Login {
  turn += 1;
  return { ...credential, turn };
}

/** Undefined while it is not known whether the cookie is still good; null when nobody is signed in. */
export function currentLogin(): Login | null | undefined {
  if (!begun) {
    begun = true;
    const secret = sessionStorage.getItem(TOKEN);
    if (secret !== null) login = next({ by: 'token', secret });
    else login = localStorage.getItem(COOKIE) === null && sessionStorage.getItem(AWAY) === null ? null : undefined;
  }
  return login;
}

/** Why nobody is signed in any more. */
export function lastEnding(): Ending {
  return ending;
}

/** Signs this tab in, or on by another role. `isNew` tells the other tabs, which share the cookie. */
export function beginLogin(credential: Credential, isNew = true): void {
  if (credential.by === 'token') sessionStorage.setItem(TOKEN, credential.secret);
  else {
    sessionStorage.removeItem(TOKEN);
    if (isNew) localStorage.setItem(COOKIE, `${Date.now()}`);
  }
  change(next(credential));
}

/** Forgets how this tab was signed in. */
export function endLogin(why: Ending = null): void {
  if (login?.by === 'token') sessionStorage.removeItem(TOKEN);
  else localStorage.removeItem(COOKIE);
  change(null, why);
}

/** The hub refused what this login sent: it has ended, unless there is a newer one by now. */
export function refuseLogin(refused: Login): void {
  if (login === refused) endLogin('refused');
}

/** Calls `listener` after each change; answers how to stop. */
export function onLoginChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** This tab goes to an identity provider; whoever comes back is asked for by the cookie, and goes on at `address`. */
export function leaveToSignIn(address: string): void {
  sessionStorage.setItem(AWAY, address);
}

/** Where to go on after signing in elsewhere; null when this tab was not away. */
export function backFromAway(): string | null {
  const address = sessionStorage.getItem(AWAY);
  sessionStorage.removeItem(AWAY);
  return address;
}

/** What a request carries. */
export function headersOf(credential: Credential, method = 'GET'): Record<string, string> {
  if (credential.by === 'token') return { Authorization: `Bearer ${credential.secret}` };
  return SAFE.has(method.toUpperCase()) ? {} : { 'X-CSRF-Token': credential.csrf };
}

/** Another tab signed in, out, or on by another role: the cookie is not what this tab knows. */
export function heedOtherTabs(): void {
  window.addEventListener('storage', ({ key, newValue }) => {
    if (key !== COOKIE || currentLogin()?.by === 'token') return;
    change(newValue === null ? null : undefined);
  });
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
  beginLogin({ by: 'token', secret: token });
  window.history.replaceState(window.history.state, '', window.location.pathname + window.location.search + rest);
}

/** Takes the token of the set-up out of the address `/setup#TOKEN`, for the same reason. */
export function adoptSetUpToken(): void {
  const token = window.location.hash.replace(/^#/, '').trim();
  if (window.location.pathname !== '/setup' || token === '') return;
  sessionStorage.setItem(SETUP, token);
  window.history.replaceState(window.history.state, '', '/setup');
}

export function setUpToken(): string {
  return sessionStorage.getItem(SETUP) ?? '';
}

export function forgetSetUpToken(): void {
  sessionStorage.removeItem(SETUP);
}
