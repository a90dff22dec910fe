import type { EventSourceMessage } from 'eventsource-parser';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { backoff, followStream, SILENCE_MS, type StreamState } from './stream';

type Step = Response | Error | ((init: RequestInit) => Promise<Response>);

const encoder = new TextEncoder();

/** A body that arrives in exactly these pieces, then ends. */
function body(...pieces: (string | Uint8Array)[]): Response {
  return new Response(
    new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece);
        controller.close();
      },
    }),
  );
}

/** Follows a stream whose connections go as `steps` says; stops when they are used up. */
async function follow(steps: Step[]) {
  const messages: EventSourceMessage[] = [];
  const states: StreamState[] = [];
  const waits: number[] = [];
  const requests: Headers[] = [];
  const abort = new AbortController();
  let refused = 0;
  await followStream({
    url: '/api/v1/events/stream',
    headers: { Authorization: 'Bearer secret' },
    signal: abort.signal,
    onMessage: (message) => messages.push(message),
    onState: (state) => states.push(state),
    onRefused: () => (refused += 1),
    random: () => 1,
    sleep: (ms) => {
      waits.push(ms);
      if (steps.length === 0) abort.abort();
      return Promise.resolve();
    },
    fetch: ((_url: string, init: RequestInit) => {
      requests.push(new Headers(init.headers));
      const step = steps.shift();
      if (step === undefined || step instanceof Error) return Promise.reject(step ?? new Error('no more steps'));
      return typeof step === 'function' ? step(init) : Promise.resolve(step);
    }) as typeof fetch,
  });
  return { messages, states, waits, requests, refused };
}

describe('the event stream', () => {
  it('reads messages however the bytes are cut, also within a character', async () => {
    const bytes = encoder.encode('id: 7\nevent: ironcore.task.failed\ndata: {"title":"Prüfung"}\n\n');
    const cut = bytes.indexOf(0xc3) + 1;
    const { messages } = await follow([body(bytes.slice(0, 4), bytes.slice(4, cut), bytes.slice(cut))]);
    expect(messages).toEqual([{ id: '7', event: 'ironcore.task.failed', data: '{"title":"Prüfung"}' }]);
  });

  it('joins data lines, takes CRLF and passes comments over', async () => {
    const { messages } = await follow([body(': hello\r\nevent: progress\r\ndata: {\r\ndata: }\r\n\r\n')]);
    expect(messages.map(({ event, data }) => [event, data])).toEqual([['progress', '{\n}']]);
  });

  it('forgets a message that was cut off', async () => {
    const { messages } = await follow([body('id: 1\ndata: whole\n\nid: 2\ndata: half')]);
    expect(messages.map((message) => message.data)).toEqual(['whole']);
  });

  it('resumes after the last id, which messages without one do not change', async () => {
    const first = body('id: 41\ndata: a\n\n', 'event: progress\ndata: b\n\n');
    const { requests } = await follow([first, new Error('cut'), body('id: 42\ndata: c\n\n'), new Error('cut')]);
    expect(requests.map((headers) => headers.get('last-event-id'))).toEqual([null, '41', '41', '42']);
    expect(requests.every((headers) => headers.get('authorization') === 'Bearer secret')).toBe(true);
  });

  it('waits longer after each failure, and begins anew once a message came', async () => {
    const { waits, states } = await follow([new Error('1'), new Error('2'), new Response('', { status: 503 }), body('data: x\n\n')]);
    expect(waits).toEqual([1_000, 2_000, 4_000, 1_000]);
    expect(states).toEqual(['polling', 'polling', 'polling', 'live', 'polling', 'closed']);
  });

  it('stops when whoever asks is refused', async () => {
    const { refused, waits, states } = await follow([new Response('', { status: 401 }), body('data: never\n\n')]);
    expect({ refused, waits, states }).toEqual({ refused: 1, waits: [], states: ['closed'] });
  });

  describe('with a silent connection', () => {
    beforeEach(() => vi.useFakeTimers());
    afterEach(() => vi.useRealTimers());

    it('gives it up', async () => {
      const silent: Step = (init) =>
        new Promise((_, reject) => {
          init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
        });
      const done = follow([silent]);
      await vi.advanceTimersByTimeAsync(SILENCE_MS);
      expect((await done).states).toEqual(['polling', 'closed']);
    });
  });
});

describe('back-off', () => {
  it('stays between half a second and half a minute', () => {
    expect([1, 2, 3, 5, 6, 50].map((failures) => backoff(failures, 1))).toEqual([1_000, 2_000, 4_000, 16_000, 30_000, 30_000]);
    expect(backoff(1, 0)).toBe(500);
    expect(backoff(50, 0)).toBe(15_000);
  });
});
