// The stream of news, once for the whole application, and what it says about itself.
import { useQueryClient } from '@tanstack/react-query';
import type { EventSourceMessage } from 'eventsource-parser';
import { createContext, type ReactNode, use, useEffect, useState } from 'react';

import { applyProgress, keys, mergeEvent, patchTask, refreshAfter } from './cache';
import { headersOf, type Login, refuseLogin } from './login';
import { type HubEvent, type ProgressNotice, SHOWN } from './model';
import { refreshAllNews, refreshNews } from './news';
import { known as knownPages, refreshSlowly } from './pages';
import { followStream, type StreamState } from './stream';

const LiveContext = createContext<StreamState>('connecting');

/** How news arrives at the moment. */
export function useStreamState(): StreamState {
  return use(LiveContext);
}

/** How often to ask: seldom while the stream tells, every 5 s while it is gone. */
export function useRefreshInterval(): number {
  return useStreamState() === 'live' ? 30_000 : 5_000;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

export function LiveProvider({ login, children }: { login: Login; children: ReactNode }) {
  const client = useQueryClient();
  const [state, setState] = useState<StreamState>('connecting');

  useEffect(() => {
    const abort = new AbortController();
    let pending: HubEvent[] = [];
    let timer: ReturnType<typeof setTimeout> | null = null;
    const pages = refreshSlowly(client);

    // Many events in one moment, such as the start of a night, cause one round of questions a second.
    const flush = () => {
      const events = pending;
      pending = [];
      timer = null;
      if (events.length > 0) {
        timer = setTimeout(flush, 1_000);
        const ofTasks = events.filter((event) => event.data.task != null);
        if (ofTasks.length > 0) void refreshAfter(client, ofTasks);
        void refreshNews(client, events);
      }
    };

    const onMessage = (message: EventSourceMessage) => {
      const kind = message.event ?? 'message';
      if (kind === 'ping') return;
      const body = parse(message.data);
      if (typeof body !== 'object' || body === null) return;
      if (kind === 'progress') {
        applyProgress(client, body as ProgressNotice, Date.now());
        return;
      }
      const event = body as HubEvent;
      const data = (event as Partial<HubEvent>).data;
      if (data === undefined) return;
      pages.tell(kind);
      const { task } = data;
      if (task != null) patchTask(client, task.upid, (known) => mergeEvent(known, task, SHOWN));
      pending.push(event);
      timer ??= setTimeout(flush, 150);
    };

    void followStream({
      url: '/api/v1/events/stream',
      headers: headersOf(login),
      signal: abort.signal,
      onMessage,
      onState: (next) => {
        setState(next);
        // What happened before the stream was there is only known by asking.
        if (next === 'live') {
          for (const queryKey of [keys.tasks, ...Object.values(knownPages)]) void client.invalidateQueries({ queryKey });
          refreshAllNews(client);
        }
      },
      onRefused: () => refuseLogin(login),
    });
    return () => {
      abort.abort();
      pages.stop();
      if (timer !== null) clearTimeout(timer);
    };
  }, [client, login]);

  return <LiveContext value={state}>{children}</LiveContext>;
}
