// The part of the mock that knows who may do what: signing in, users, roles, tokens, and who changed what.
import { randomBytes } from 'node:crypto';

import { bodyOf, done, iso, json, problem } from './mock-answer.mjs';
import { factorOf, newStep, ownFactorRoutes, takeFactor } from './mock-signin.mjs';

const HUB = { name: 'hub1', id: '018f2f6e-0000-7000-8000-000000000001', version: '0.1.0' };
const DAY = 86_400_000;
const now = Date.now();
const ago = (days, minutes = 0) => iso(now - days * DAY - minutes * 60_000);

const MEMBER = ['run-jobs', 'cancel-tasks', 'take-actions', 'acknowledge', 'verify'];
const OPERATOR = [...MEMBER, 'pause-jobs', 'replay-messages', 'test-handlers', 'silence', 'collect-garbage', 'prune', 'sync', 'read-datastores', 'pause-scheduler', 'back-up-paths', 'restore-paths', 'read-figures'];
const AUDITOR = ['read-figures', 'export', 'read-access'];
const ADMIN = [...OPERATOR.slice(0, 13), 'silence-hub', ...OPERATOR.slice(13, 16), 'sync-remote', 'read-figures', 'export', 'read-access', 'back-up-hub', 'configure', 'manage-access'];
const OF_HUB = new Set(ADMIN.slice(13));

const roles = [
  { name: 'admin', rights: ADMIN, built_in: true, comment: 'Everything' },
  { name: 'operator', rights: OPERATOR, built_in: true, comment: 'Runs, cancels and watches; changes no configuration' },
  { name: 'auditor', rights: AUDITOR, built_in: true, comment: 'Looks only, at everything' },
  { name: 'member', rights: MEMBER, built_in: true, comment: 'Works within one project' },
  { name: 'night-watch', rights: ['run-jobs', 'acknowledge', 'silence'], built_in: false, comment: 'Answers the phone at night' },
];
const grant = (role, project, days, by = 'root@local') => ({ role, project, granted: ago(days), by });
export const users = [
  { user: 'dana@local', name: 'Dana Roth', email: 'dana@example.net', enabled: true, created: ago(3), created_by: 'admin@local', password_set: ago(3), last_login: null, locked_until: null, second_factor: null, grants: [grant('auditor', null, 3)] },
  { user: 'admin@local', name: 'Ada Marsh', email: 'ada@example.net', enabled: true, created: ago(220), created_by: 'root@local', password_set: ago(31), last_login: ago(0, 4), locked_until: null, grants: [grant('admin', null, 220), grant('operator', 'acme', 90), grant('member', 'office', 12)] },
  { user: 'jonas@local', name: 'Jonas Feld', email: 'jonas@example.net', enabled: true, created: ago(180), created_by: 'admin@local', password_set: ago(180), last_login: ago(1, 70), locked_until: null, second_factor: ago(80), grants: [grant('operator', null, 180, 'admin@local')] },
  { user: 'mara@polystack', name: 'Mara Lindqvist', email: null, enabled: true, created: ago(160), created_by: 'admin@local', password_set: null, last_login: null, locked_until: null, grants: [grant('operator', 'acme', 160, 'admin@local')] },
  { user: 'night@local', name: null, email: 'night@example.net', enabled: true, created: ago(40), created_by: 'admin@local', password_set: ago(40), last_login: ago(9), locked_until: iso(now + 11 * 60_000), grants: [grant('night-watch', 'acme', 40, 'admin@local'), grant('member', 'office', 40, 'admin@local')] },
  { user: 'olga@local', name: 'Olga Reiter', email: 'olga@example.net', enabled: false, created: ago(300), created_by: 'root@local', password_set: ago(200), last_login: ago(61), locked_until: null, grants: [grant('auditor', null, 300)] },
];
const tokens = [
  { user: 'root@local!admin', role: 'admin', project: null, comment: 'of the hub’s own data folder', created: ago(220), by: null, expires: null, last_used: ago(0, 3), revoked: null },
  { user: 'admin@local!laptop', role: 'admin', project: null, comment: 'Ada’s laptop', created: ago(60), by: 'admin@local', expires: iso(now + 30 * DAY), last_used: ago(2), revoked: null },
  { user: 'mara@polystack!ci', role: 'member', project: 'acme', comment: 'starts a backup after each release', created: ago(20), by: 'admin@local', expires: iso(now + 3 * DAY), last_used: ago(0, 190), revoked: null },
  { user: 'jonas@local!grafana', role: 'operator', project: null, comment: null, created: ago(150), by: 'jonas@local', expires: ago(30), last_used: ago(31), revoked: null },
  { user: 'olga@local!export', role: 'auditor', project: null, comment: 'yearly audit', created: ago(290), by: 'root@local', expires: null, last_used: null, revoked: ago(61) },
];

const audit = [];
export function note(user, action, object, before, after, project = null, time = Date.now(), address = '192.0.2.14') {
  audit.unshift({ number: audit.length + 1, time: iso(time), user, action, object, project, before, after, address, request: `req-${(4096 + audit.length).toString(16)}` });
}
const plain = ({ user, name, email, enabled }) => ({ user, name, email, enabled });
for (let at = 0; at < 130; at += 1) {
  const time = now - (131 - at) * 19 * 3_600_000;
  const [who, what] = [['admin@local', 'jonas@local', 'root@local'][at % 3], at % 6];
  const name = ['ben', 'cleo', 'dora', 'emil', 'freya'][at % 5];
  if (what === 0) note(who, 'user.created', `user/${name}@local`, null, { user: `${name}@local`, name: null, email: `${name}@example.net`, enabled: true }, null, time);
  else if (what === 1) note(who, 'grant.made', `user/${name}@local`, null, { role: 'member', project: 'acme' }, 'acme', time, '2001:db8::17');
  else if (what === 2) note(who, 'user.changed', `user/${name}@local`, { user: `${name}@local`, name: null, email: `${name}@example.net`, enabled: true }, { user: `${name}@local`, name: 'Somebody Else', email: `${name}@example.net`, enabled: true }, null, time);
  else if (what === 3) note(who, 'token.created', `token/${name}@local!laptop`, null, { role: 'member', project: 'acme', expires: iso(time + 90 * DAY), comment: 'laptop' }, 'acme', time);
  else if (what === 4) note(who, 'role.changed', 'role/night-watch', { rights: ['run-jobs', 'acknowledge'], comment: 'Answers the phone at night' }, { rights: ['run-jobs', 'acknowledge', 'silence'], comment: 'Answers the phone at night' }, null, time, null);
  else note(who, 'user.removed', `user/${name}@local`, { user: `${name}@local`, name: 'Somebody Else', email: `${name}@example.net`, enabled: true, grants: [{ role: 'member', project: 'acme' }] }, null, null, time);
}

/** What browsers are signed in with: by the secret of the cookie. */
export const logins = new Map();
/** Whose password was right, by what a second factor goes on with. */
export const steps = new Map();
export const passwords = new Map([['dana@local', 'correct horse battery'], ['admin@local', 'correct horse battery'], ['jonas@local', 'correct horse battery']]);
const failures = new Map();
const cookieOf = (req) => /(?:^|;\s*)ironcore_session=([^;]+)/.exec(req.headers.cookie ?? '')?.[1];
const setCookie = (secret) => ({ 'set-cookie': `ironcore_session=${secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${secret === '' ? 0 : 604_800}` });

function session({ user, role, project }) {
  const rights = roles.find((each) => each.name === role)?.rights ?? [];
  return { user, role, project, rights: project === null ? rights : rights.filter((right) => !OF_HUB.has(right)), hub: HUB };
}

/** Who asks: by a token (`demo` is an administrator's, a role's name is of that role, `wrong` is none), or by the cookie. */
export function whoAsks(req) {
  const token = req.headers.authorization?.replace(/^Bearer /, '');
  if (token !== undefined) {
    if (token === '' || token === 'wrong') return null;
    const role = roles.find((each) => each.name === token)?.name ?? 'admin';
    return { user: `mara@polystack!${token}`, role, project: role === 'member' ? 'acme' : null };
  }
  return logins.get(cookieOf(req)) ?? null;
}

async function signIn(req, res) {
  const { user = '', password = '' } = await bodyOf(req);
  const full = user.includes('@') ? user : `${user}@local`;
  if ((failures.get(full)?.until ?? 0) > Date.now() || passwords.get(full) !== password) return failed(res, full, 'User name or password is wrong.');
  if (factorOf(users.find((each) => each.user === full)) !== null) return json(res, newStep(full), 202);
  const { answer, headers } = begin(full);
  json(res, answer, 200, headers);
}

/** Counts a failure; five lock the name. */
export function failed(res, full, detail) {
  const failure = failures.get(full) ?? { count: 0, until: 0 };
  failures.set(full, failure);
  if (failure.until <= Date.now()) {
    failure.count += 1;
    if (failure.count < 5) return problem(res, 401, 'auth.required', detail);
    Object.assign(failure, { count: 0, until: Date.now() + 15 * 60_000 });
  }
  return problem(res, 429, 'overloaded', `Nobody can sign in as ${full} until ${iso(failure.until).replace(/\.\d+/, '')}, for too many attempts failed.`);
}

/** Somebody is signed in: the answer, and the cookie. */
export function begin(full) {
  const known = users.find((each) => each.user === full);
  const login = { user: full, role: known.grants[0].role, project: known.grants[0].project ?? null, csrf: randomBytes(8).toString('hex') };
  const secret = randomBytes(16).toString('hex');
  logins.set(secret, login);
  return { answer: { session: session(login), csrf_token: login.csrf }, headers: setCookie(secret) };
}

const fault = (password) => (password.length < 12 ? 'it is too short: use 12 characters or more' : null);
const invalid = (res, key, detail) => problem(res, 400, 'request.invalid', `${key}: ${detail}`, [{ key, detail, code: 'request.invalid' }]);

async function ofUsers(req, res, who, name, rest) {
  if (name === undefined && req.method === 'GET') return json(res, { users });
  const found = users.find((each) => each.user === name);
  if (name === undefined) {
    const wish = await bodyOf(req);
    if (users.some((each) => each.user === wish.user)) return problem(res, 409, 'conflict', `User ${wish.user} is there already.`);
    if (wish.password != null && fault(wish.password) !== null) return invalid(res, 'password', fault(wish.password));
    const made = { user: wish.user, name: wish.name ?? null, email: wish.email ?? null, enabled: true, created: iso(Date.now()), created_by: who.user, password_set: wish.password == null ? null : iso(Date.now()), last_login: null, locked_until: null, grants: (wish.grants ?? []).map(({ role, project = null }) => ({ role, project, granted: iso(Date.now()), by: who.user })) };
    users.push(made);
    if (wish.password != null) passwords.set(made.user, wish.password);
    note(who.user, 'user.created', `user/${made.user}`, null, plain(made));
    return json(res, made, 201);
  }
  if (found === undefined) return problem(res, 404, 'not-found', `There is no user ${name}.`);
  if (rest === 'second-factor') return takeFactor(found, who.user) ?? done(res);
  if (rest === 'grants') {
    const wish = req.method === 'POST' ? await bodyOf(req) : Object.fromEntries(new URL(req.url, 'http://mock').searchParams);
    const same = (each) => each.role === wish.role && (each.project ?? null) === (wish.project ?? null);
    if (req.method === 'DELETE') {
      found.grants = found.grants.filter((each) => !same(each));
      note(who.user, 'grant.taken', `user/${name}`, { role: wish.role, project: wish.project ?? null }, null, wish.project ?? null);
      return done(res);
    }
    if (found.grants.some(same)) return problem(res, 409, 'conflict', `${name} has that role already.`);
    const made = { role: wish.role, project: wish.project ?? null, granted: iso(Date.now()), by: who.user };
    found.grants.push(made);
    note(who.user, 'grant.made', `user/${name}`, null, { role: made.role, project: made.project }, made.project);
    return json(res, made, 201);
  }
  if (req.method === 'GET') return json(res, found);
  if (req.method === 'DELETE') {
    if (name === 'admin@local') return problem(res, 409, 'conflict', 'Nobody else may change who may do what.');
    users.splice(users.indexOf(found), 1);
    note(who.user, 'user.removed', `user/${name}`, plain(found), null);
    return done(res);
  }
  const before = plain(found);
  const wish = await bodyOf(req);
  if (wish.password != null && fault(wish.password) !== null) return invalid(res, 'password', fault(wish.password));
  for (const key of ['name', 'email']) if (wish[key] != null) found[key] = wish[key] === '' ? null : wish[key];
  if (wish.enabled != null) found.enabled = wish.enabled;
  if (wish.password != null) {
    found.password_set = iso(Date.now());
    passwords.set(name, wish.password);
  }
  note(who.user, 'user.changed', `user/${name}`, before, { ...plain(found), ...(wish.password == null ? {} : { password: 'another one' }) });
  json(res, found);
}

async function ofTokens(req, res, who, name) {
  if (req.method === 'GET') return json(res, { tokens });
  if (req.method === 'DELETE') {
    const found = tokens.find((each) => each.user === name && each.revoked === null);
    if (found === undefined) return problem(res, 404, 'not-found', `There is no token ${name}.`);
    found.revoked = iso(Date.now());
    note(who.user, 'token.revoked', `token/${name}`, { role: found.role, project: found.project }, null, found.project);
    return done(res);
  }
  const wish = await bodyOf(req);
  if (tokens.some((each) => each.user === wish.user && each.revoked === null)) return problem(res, 409, 'conflict', `Token ${wish.user} is there already.`);
  const token = { user: wish.user, role: wish.role, project: wish.project ?? null, comment: wish.comment ?? null, created: iso(Date.now()), by: who.user, expires: wish.expires ?? null, last_used: null, revoked: null };
  tokens.push(token);
  note(who.user, 'token.created', `token/${token.user}`, null, { role: token.role, project: token.project, expires: token.expires }, token.project);
  json(res, { token, secret: `ibs_${randomBytes(32).toString('hex')}` }, 201);
}

async function ofRoles(req, res, who, name) {
  if (req.method === 'GET') return json(res, { roles });
  const found = roles.find((each) => each.name === name);
  if (found?.built_in) return problem(res, 409, 'conflict', `Every hub has the role ${name}; it cannot be changed.`);
  if (req.method === 'DELETE') {
    if (users.some((user) => user.grants.some((each) => each.role === name))) return problem(res, 409, 'conflict', `Somebody has the role ${name}.`);
    roles.splice(roles.indexOf(found), 1);
    note(who.user, 'role.removed', `role/${name}`, { rights: found.rights, comment: found.comment }, null);
    return done(res);
  }
  const { rights, comment = null } = await bodyOf(req);
  const before = found === undefined ? null : { rights: found.rights, comment: found.comment };
  const role = Object.assign(found ?? { name, built_in: false }, { rights, comment });
  if (found === undefined) roles.push(role);
  note(who.user, before === null ? 'role.created' : 'role.changed', `role/${name}`, before, { rights, comment });
  json(res, role);
}

function ofAudit(res, q) {
  const span = /^(\d+)([hdw]) ago$/.exec(q.get('since') ?? '');
  const since = span === null ? (q.get('since') ?? '') : iso(Date.now() - Number(span[1]) * { h: 3_600_000, d: DAY, w: 7 * DAY }[span[2]]);
  const object = q.get('object') ?? '';
  const all = audit.filter((each) => each.user === (q.get('user') ?? each.user) && (object.endsWith('/') || object === '' ? each.object.startsWith(object) : each.object === object) && each.time >= since && each.time < (q.get('until') ?? '9'));
  const from = Number(q.get('cursor') ?? 0);
  const to = from + Number(q.get('limit') ?? 100);
  json(res, { entries: all.slice(from, to), next: to < all.length ? String(to) : null });
}

/** Answers what is about access, or gives false. `who` is null for who is not signed in. */
export async function accessRoutes(req, res, path, query, who) {
  if (path === '/api/v1/login' && req.method === 'POST') return signIn(req, res);
  const login = logins.get(cookieOf(req));
  if (who === null) return problem(res, 401, 'auth.required', 'The request carried no valid token.');
  if (login === who && req.method !== 'GET' && req.headers['x-csrf-token'] !== login.csrf) return problem(res, 403, 'auth.denied', 'This token may not change anything without the header X-CSRF-Token.');
  if (path === '/api/v1/session') return json(res, session(who));
  if (path === '/api/v1/login') return login === who ? json(res, { session: session(who), csrf_token: login.csrf }) : problem(res, 403, 'auth.denied', 'This token may not ask who is signed in: nobody is.');
  if (path === '/api/v1/session/grants') return json(res, users.find((each) => each.user === who.user)?.grants ?? []);
  if (path === '/api/v1/logout') {
    logins.delete(cookieOf(req));
    return done(res, setCookie(''));
  }
  if (path === '/api/v1/session/switch') {
    const { role, project = null } = await bodyOf(req);
    return Object.assign(login, { role, project }) && done(res);
  }
  if ((await ownFactorRoutes(req, res, path, who)) !== false) return undefined;
  if (path === '/api/v1/session/password') {
    const wish = await bodyOf(req);
    if (passwords.get(who.user) !== wish.old) return problem(res, 401, 'auth.required', 'The old password is wrong.');
    if (fault(wish.new) !== null) return invalid(res, 'new', fault(wish.new));
    passwords.set(who.user, wish.new);
    for (const [secret, each] of logins) if (each.user === who.user) logins.delete(secret);
    return done(res);
  }
  const [, kind, name, rest] = /^\/api\/v1\/(users|roles|tokens|audit)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path) ?? [];
  if (kind === undefined) return false;
  if (!session(who).rights.includes(req.method === 'GET' ? 'read-access' : 'manage-access')) return problem(res, 403, 'auth.denied', 'This token may not change who may do what.');
  if (kind === 'users') return ofUsers(req, res, who, name, rest);
  if (kind === 'tokens') return ofTokens(req, res, who, name);
  if (kind === 'roles') return ofRoles(req, res, who, name);
  return ofAudit(res, query);
}
