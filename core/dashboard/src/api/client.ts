// The typed client: one place that adds the token, and one error type for whatever goes wrong.
import createClient, { type Middleware } from 'openapi-fetch';

import type { paths } from './generated/openapi';
import type { Fault, Problem } from './model';
import { currentToken, setToken } from './token';

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

const auth: Middleware = {
  onRequest({ request }) {
    const token = currentToken();
    if (token !== null && !request.headers.has('Authorization')) request.headers.set('Authorization', `Bearer ${token}`);
    return request;
  },
  onResponse({ request, response }) {
    // A token that is refused later than at sign-in has expired or was revoked: ask for another one.
    const token = currentToken();
    if (response.status === 401 && token !== null && request.headers.get('Authorization') === `Bearer ${token}`) setToken(null);
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
