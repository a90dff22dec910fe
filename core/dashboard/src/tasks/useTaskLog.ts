// A task's log as it grows: what is there is read in parts, what follows comes by a stream, and by asking while that
// stream is gone.
import { useEffect, useState } from 'react';

import { ApiError } from '../api/client';
import type { LogLine } from '../api/model';
import { followStream, sleepFor, type StreamState } from '../api/stream';
import { fetchLog } from '../api/tasks';
import { currentLogin, headersOf, refuseLogin } from '../api/login';

const CHUNK = 1_000;
/** More lines than these are only in the file; the first ones are dropped. */
const KEPT = 100_000;

export interface TaskLog {
  lines: LogLine[];
  /** Lines dropped from the front. */
  dropped: number;
  /** Whether the hub has answered yet. */
  known: boolean;
  done: boolean;
  error: Error | null;
}

const NOTHING: TaskLog = { lines: [], dropped: 0, known: false, done: false, error: null };

/** Adds a part of the log; lines already there, as after a repeated request, are left out. */
export function appendLines(log: TaskLog, lines: LogLine[], done: boolean, kept = KEPT): TaskLog {
  const last = log.lines.at(-1)?.line ?? 0;
  const fresh = lines.filter((line) => line.line > last);
  const all = fresh.length === 0 ? log.lines : [...log.lines, ...fresh];
  const excess = Math.max(0, all.length - kept);
  return { lines: excess > 0 ? all.slice(excess) : all, dropped: log.dropped + excess, known: true, done: log.done || done, error: null };
}

/** Reads a log until it is complete or `signal` is aborted, and hands on its parts. */
class LogReader {
  /** The last line that was handed on; what waits in the buffer is not. */
  #after: number | null = null;
  #stream: StreamState = 'connecting';
  #buffer: LogLine[] = [];
  readonly #upid: string;
  readonly #stop: AbortController;
  readonly #change: (change: (log: TaskLog) => TaskLog) => void;

  constructor(upid: string, stop: AbortController, change: (change: (log: TaskLog) => TaskLog) => void) {
    this.#upid = upid;
    this.#stop = stop;
    this.#change = change;
  }

  async run(): Promise<void> {
    if (await this.#catchUp()) return;
    void this.#follow();
    while (!this.#stopped()) {
      await sleepFor(this.#stream === 'live' ? 250 : 2_000, this.#stop.signal);
      if (this.#stopped()) return;
      if (this.#stream === 'live') this.#flush(false);
      else if (await this.#catchUp()) return;
    }
  }

  /** Reads what is there. True when there is nothing more to come. */
  async #catchUp(): Promise<boolean> {
    for (;;) {
      try {
        const page = await fetchLog(this.#upid, this.#after, CHUNK, this.#stop.signal);
        if (page.lines.length > 0) this.#after = Math.max(this.#after ?? 0, page.next);
        this.#change((log) => appendLines(log, page.lines, page.done));
        if (page.done) {
          this.#stop.abort();
          return true;
        }
        if (page.lines.length < CHUNK) return false;
      } catch (cause) {
        if (this.#stopped()) return true;
        const error = cause instanceof Error ? cause : new Error('The log could not be read.');
        this.#change((log) => ({ ...log, error }));
        return error instanceof ApiError && error.status >= 400 && error.status < 500;
      }
    }
  }

  async #follow(): Promise<void> {
    const login = currentLogin();
    if (login == null) return;
    await followStream({
      url: `/api/v1/tasks/${encodeURIComponent(this.#upid)}/log/stream?after=${this.#after ?? 0}`,
      headers: headersOf(login),
      signal: this.#stop.signal,
      onState: (state) => {
        this.#stream = state;
        // What went wrong while the stream was gone is over, even when no line follows.
        if (state === 'live') this.#change((log) => (log.error === null ? log : { ...log, error: null }));
      },
      onRefused: () => refuseLogin(login),
      onMessage: ({ event, data }) => {
        if (event === 'line') {
          this.#buffer.push(JSON.parse(data) as LogLine);
        } else if (event === 'done') {
          this.#flush(true);
          this.#stop.abort();
        }
      },
    });
  }

  /** Many lines a second become four changes of the page. */
  #flush(done: boolean): void {
    const lines = this.#buffer;
    this.#buffer = [];
    this.#after = Math.max(this.#after ?? 0, lines.at(-1)?.line ?? 0);
    if (lines.length > 0 || done) this.#change((log) => appendLines(log, lines, done));
  }

  #stopped(): boolean {
    return this.#stop.signal.aborted;
  }
}

export function useTaskLog(upid: string): TaskLog {
  const [log, setLog] = useState(NOTHING);
  useEffect(() => {
    const stop = new AbortController();
    // A stopped reader may still have a part in its hands.
    const live = { current: true };
    void new LogReader(upid, stop, (change) => {
      if (live.current) setLog(change);
    }).run();
    return () => {
      live.current = false;
      stop.abort();
    };
  }, [upid]);
  return log;
}
