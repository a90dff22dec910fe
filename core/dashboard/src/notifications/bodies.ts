// Bodies of requests and answers as people read them.

/** JSON with indentation; anything else as it is. */
export function pretty(body: string): string {
  const text = body.trim();
  if (!/^[[{]/.test(text)) return body;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return body;
  }
}

/** Microseconds as `840 µs`, `3.2 ms`, `1.50 s`. */
export function formatLatency(us: number): string {
  if (us < 1_000) return `${us} µs`;
  if (us < 1_000_000) return `${(us / 1_000).toFixed(us < 10_000 ? 1 : 0)} ms`;
  return `${(us / 1_000_000).toFixed(2)} s`;
}
