// The part of the mock that knows other ways in: second factors, identity providers and the set-up. Every code is `246810`, or
// `aaaa-bbbb-cccc-dddd`; `dana` has to set a second factor up, the provider Corp signs `mara@corp` in, Lost nobody.
import { randomBytes } from 'node:crypto';

import { begin, failed, logins, note, passwords, steps, users } from './mock-access.mjs';
import { bodyOf, done, iso, json, problem } from './mock-answer.mjs';

const CODES = ['246810', 'aaaabbbbccccdddd'];
const RECOVERY = ['aaaa-bbbb-cccc-dddd', ...Array.from({ length: 9 }, (_, at) => `k7q${'abcdefghi'[at]}-mz4r-yx2d-p5w${'nopqrstuv'[at]}`)];
const isCode = (code = '') => CODES.includes(code.toLowerCase().replace(/[^a-z0-9]/g, ''));
const WRONG = 'The code is wrong, or was used before.';
const PROPOSED = { secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', url: 'otpauth://totp/Ironcore%20Backup%20hub1:admin%40local?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Ironcore%20Backup%20hub1&algorithm=SHA1&digits=6&period=30' };
const DEMANDED = new Set(['dana@local']);
let isSetUp = false;

/** Answers what needs nobody signed in, or gives false. */
export async function signInRoutes(req, res, path) {
  if (path === '/api/v1/login/ways') return json(res, { ways: [{ realm: 'corp', title: 'Corp' }, { realm: 'lost', title: 'Lost' }] });
  if (path === '/api/v1/login/oidc/lost') return problem(res, 401, 'auth.provider', 'The identity provider let nobody in.');
  if (path === '/api/v1/login/oidc/corp') {
    if (!users.some(({ user }) => user === 'mara@corp')) users.push({ user: 'mara@corp', name: 'Mara Holm', email: null, enabled: true, created: iso(Date.now()), created_by: 'oidc@system', password_set: null, last_login: null, locked_until: null, second_factor: null, grants: [{ role: 'operator', project: null, granted: iso(Date.now()), by: 'oidc@system' }] });
    const { headers } = begin('mara@corp');
    res.writeHead(200, { ...headers, 'content-type': 'text/html; charset=utf-8' });
    return res.end('<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/"><title>Signed in</title><p>Signed in. <a href="/">Go on</a></p>');
  }
  if (path === '/api/v1/setup' && req.method === 'POST') {
    const wish = await bodyOf(req);
    if (isSetUp) return problem(res, 409, 'conflict', 'This hub is set up: there is an administrator, who makes other users.');
    if (wish.token !== 'setup-demo') return problem(res, 401, 'auth.required', 'The set-up token is wrong: it is in setup.token of the hub’s data folder.');
    const user = wish.user.includes('@') ? wish.user : `${wish.user}@local`;
    const made = { user, name: null, email: null, enabled: true, created: iso(Date.now()), created_by: 'setup@system', password_set: iso(Date.now()), last_login: null, locked_until: null, second_factor: null, grants: [{ role: 'admin', project: null, granted: iso(Date.now()), by: 'setup@system' }] };
    users.push(made);
    passwords.set(user, wish.password);
    isSetUp = true;
    return json(res, made, 201);
  }
  if (!path.startsWith('/api/v1/login/second-factor')) return false;
  const { step, code } = await bodyOf(req);
  const user = steps.get(step);
  if (user === undefined) return problem(res, 401, 'auth.required', 'This step to sign in is over; begin again with the password.');
  if (path.endsWith('/new')) return json(res, PROPOSED, 201);
  if (code?.replace(/\D/g, '') === '000000') {
    steps.delete(step);
    return problem(res, 401, 'auth.required', 'This step to sign in is over; begin again with the password.');
  }
  if (!isCode(code)) return failed(res, user, WRONG);
  steps.delete(step);
  const known = users.find((each) => each.user === user);
  const isNew = known.second_factor == null;
  known.second_factor ??= iso(Date.now());
  const { answer, headers } = begin(user);
  return json(res, { ...answer, ...(isNew ? { recovery_codes: RECOVERY } : {}) }, 200, headers);
}

/** Whether a code is asked for after the password, or a second factor is to be set up. */
export const factorOf = (known) => (known.second_factor != null ? 'code' : DEMANDED.has(known.user) ? 'new' : null);

/** Answers what is about the second factor of who is signed in, or gives false. */
export async function ownFactorRoutes(req, res, path, who) {
  if (!path.startsWith('/api/v1/session/second-factor')) return false;
  const known = users.find((each) => each.user === who.user);
  if (req.method === 'GET') return json(res, { since: known?.second_factor ?? null, recovery_codes: known?.second_factor == null ? 0 : 10, demanded: DEMANDED.has(who.user) });
  const { password, code } = await bodyOf(req);
  if (!path.endsWith('/confirm') && passwords.get(who.user) !== password) return problem(res, 401, 'auth.required', 'The password is wrong.');
  if (path.endsWith('/second-factor')) return json(res, PROPOSED, 201);
  if (!isCode(code)) return problem(res, 401, 'auth.required', WRONG);
  if (path.endsWith('/confirm')) {
    known.second_factor = iso(Date.now());
    note(who.user, 'factor.set', `user/${who.user}`, null, null);
    return json(res, { recovery_codes: RECOVERY });
  }
  takeFactor(known, who.user);
  return done(res);
}

export function takeFactor(known, by) {
  known.second_factor = null;
  note(by, 'factor.removed', `user/${known.user}`, null, null);
  for (const [secret, each] of logins) if (each.user === known.user) logins.delete(secret);
}

export const newStep = (user) => {
  const step = randomBytes(16).toString('hex');
  steps.set(step, user);
  return { step, expires: iso(Date.now() + 300_000), set_up: factorOf(users.find((each) => each.user === user)) === 'new' };
};
