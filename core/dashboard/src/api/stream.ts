// Reading the hub's event stream with fetch, because EventSource cannot send a token: connect, resume, back off.
// What a message means is not decided here.
import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** How the pages get their news: `live` by the stream, `polling` while it is gone. */
export type StreamState = 'connecting' | 'live' | 'polling' | 'closed';

export interface StreamOptions {
  url: string;
  /** What says who asks; a cookie goes along by itself. */
  headers: Record<string, string>;
  signal: AbortSignal;
  onMessage: (message: EventSourceMessage) => void;
  onState: (state: StreamState) => void;
  /** Called when whoever asks is refused; the stream ends then. */
  onRefused: () => void;
  /** For tests. */
  fetch?: typeof fetch;
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  random?: () => number;
}

/** Nothing heard for this long, pings included (every 15 s), means that the connection is dead. */
export const SILENCE_MS = 40_000;

/** Milliseconds before attempt `failures + 1`: doubling from 1 s to 30 s, each spread over its upper half. */
export function backoff(failures: number, random: number): number {
  const full = Math.min(30_000, 1_000 * 2 ** Math.max(0, failures - 1));
  return Math.round(full / 2 + (full / 2) * random);
}

/** Resolves after `ms`, or as soon as `signal` is aborted. */
export function sleepFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}

/** Feeds the bytes of one connection to `onMessage` until it ends, is aborted or falls silent. */
async function readMessages(body: ReadableStream<Uint8Array>, heard: () => void, onMessage: (m: EventSourceMessage) => void) {
  const parser = createParser({ onEvent: onMessage });
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** Follows the stream until `signal` is aborted, or whoever asks is refused. Never throws. */
export async function followStream(options: StreamOptions): Promise<void> {
  const { signal, onState } = options;
  const doFetch = options.fetch ?? fetch;
  const sleep = options.sleep ?? sleepFor;
  const random = options.random ?? Math.random;
  // An object, because it is written from within a callback.
  const last: { id: string | null } = { id: null };
  let failures = 0;

  const stopped = () => signal.aborted;
  while (!stopped()) {
    const connection = new AbortController();
    const stop = () => connection.abort();
    signal.addEventListener('abort', stop);
    let watchdog = setTimeout(stop, SILENCE_MS);
    const heard = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(stop, SILENCE_MS);
    };
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream', ...options.headers };
      if (last.id !== null) headers['Last-Event-ID'] = last.id;
      const response = await doFetch(options.url, { headers, signal: connection.signal, cache: 'no-store' });
      if (response.status === 401) {
        options.onRefused();
        break;
      }
      if (response.ok && response.body !== null) {
        heard();
        onState('live');
        await readMessages(response.body, heard, (message) => {
          // An orderly end right after connecting must not reset the back-off; a message does.
          failures = 0;
          if (message.id !== undefined && message.id !== '') last.id = message.id;
          options.onMessage(message);
        });
      }
    } catch {
      // Whatever broke the connection, the answer is the same: wait and try again.
    } finally {
      clearTimeout(watchdog);
      signal.removeEventListener('abort', stop);
    }
    if (stopped()) break;
    failures += 1;
    onState('polling');
    await sleep(backoff(failures, random()), signal);
  }
  onState('closed');
}
