// How the mock answers.
export const iso = (ms) => new Date(ms).toISOString();

export function problem(res, status, code, detail, errors) {
  res.writeHead(status, { 'content-type': 'application/problem+json' });
  res.end(JSON.stringify({ type: 'about:blank', title: detail, status, code, detail, request_id: 'req-0001', ...(errors === undefined ? {} : { errors }) }));
}

export function json(res, body, status = 200, headers = {}) {
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(JSON.stringify(body));
}

export function done(res, headers = {}) {
  res.writeHead(204, headers);
  res.end();
}

/** The body of a request, as JSON. */
export async function bodyOf(req) {
  const parts = [];
  for await (const part of req) parts.push(part);
  const text = Buffer.concat(parts).toString();
  return text === '' ? {} : JSON.parse(text);
}
