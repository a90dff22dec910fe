// The typed client: one place that adds what a request carries, and one error type for whatever goes wrong.
import createClient, { type Middleware } from 'openapi-fetch';

import type { paths } from './generated/openapi';
import { currentLogin, headersOf, type Login, refuseLogin } from './login';
import type { Fault, Problem } from './model';

/** A request that failed: refused by the hub with a problem document, or never answered (status 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  /** The single faults of a request or a declaration, where the hub names them. */
  readonly faults: readonly Fault[];

  constructor(status: number, code: string, message: string, requestId: string | null = null, cause?: unknown, faults: readonly Fault[] = []) {
    super(message, { cause });
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.faults = faults;
  }
}

/** Reads a problem document; other bodies give an error that names the status. */
export function problemToError(status: number, body: unknown): ApiError {
  const problem = typeof body === 'object' && body !== null ? (body as Partial<Problem>) : {};
  const message = problem.detail ?? problem.title ?? `The hub answered with status ${status}.`;
  return new ApiError(status, problem.code ?? `http.${status}`, message, problem.request_id ?? null, undefined, Array.isArray(problem.errors) ? problem.errors : []);
}

/** As whom each request was sent: an answer may come when somebody else is signed in. */
const sentAs = new WeakMap<Request, Login>();
/** Here a refusal is about the password that was sent, not about who is signed in. */
const ABOUT_PASSWORDS = [
  '/api/v1/login', '/api/v1/login/second-factor', '/api/v1/login/second-factor/new', '/api/v1/setup', '/api/v1/session/password',
  '/api/v1/session/second-factor', '/api/v1/session/second-factor/confirm', '/api/v1/session/second-factor/remove',
];

const auth: Middleware = {
  onRequest({ request }) {
    const login = currentLogin();
    if (login == null || request.headers.has('Authorization')) return request;
    for (const [name, value] of Object.entries(headersOf(login, request.method))) request.headers.set(name, value);
    sentAs.set(request, login);
    return request;
  },
  onResponse({ request, response, schemaPath }) {
    // What is refused later than at sign-in has expired or was revoked: ask to sign in again.
    const login = sentAs.get(request);
    if (response.status === 401 && login !== undefined && !ABOUT_PASSWORDS.includes(schemaPath)) refuseLogin(login);
    return response;
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === 'AbortError') return error;
    return new ApiError(0, 'hub.unreachable', 'The hub does not answer. It may be restarting, or the network is down.', null, error);
  },
};

export const api = createClient<paths>({ baseUrl: '/', querySerializer: { array: { style: 'form', explode: false } } });
api.use(auth);

/** Takes the data out of an answer, or throws the problem in it. */
export async function answer<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw problemToError(response.status, error);
  return data as T;
}
