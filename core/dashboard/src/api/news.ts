// What is known of inbox, incidents and notification, and which of it an event makes old.
import type { QueryClient } from '@tanstack/react-query';

import { AUTO_REFRESH_PAGES } from './cache';
import type { HubEvent } from './model';

export const newsKeys = {
  inbox: ['inbox'] as const,
  inboxLists: ['inbox', 'list'] as const,
  inboxList: (search: object) => ['inbox', 'list', search] as const,
  inboxCounts: ['inbox', 'counts'] as const,
  inboxEntry: (seq: number) => ['inbox', 'entry', seq] as const,
  inboxBehind: ['inbox-behind'] as const,
  mutes: ['inbox', 'mutes'] as const,
  incidents: ['incidents'] as const,
  incidentList: (search: object) => ['incidents', 'list', search] as const,
  incident: (id: string) => ['incidents', 'detail', id] as const,
  incidentsOf: (event: string) => ['incidents', 'of', event] as const,
  groups: ['groups'] as const,
  messages: ['messages'] as const,
  messageList: (search: object) => ['messages', 'list', search] as const,
  message: (id: string) => ['messages', 'detail', id] as const,
  silences: ['silences'] as const,
  maintenance: ['maintenance'] as const,
  explain: (request: object) => ['explain', request] as const,
  preview: (request: object) => ['preview', request] as const,
  projects: ['projects', 'names'] as const,
  plugins: ['plugins'] as const,
};

/** Asks again for what these events may have changed. Long lists stay as they are: the page says that there is news. */
export async function refreshNews(client: QueryClient, events: readonly HubEvent[]): Promise<void> {
  const fetches = [client.invalidateQueries({ queryKey: newsKeys.inboxCounts })];
  let tooLong = false;
  for (const list of client.getQueryCache().findAll({ queryKey: newsKeys.inboxLists })) {
    const pages = (list.state.data as { pages?: unknown[] } | undefined)?.pages?.length ?? 0;
    if (pages > AUTO_REFRESH_PAGES) tooLong = true;
    else fetches.push(client.invalidateQueries({ queryKey: list.queryKey, exact: true }));
  }
  if (tooLong) client.setQueryData<number>(newsKeys.inboxBehind, (count) => (count ?? 0) + events.length);
  fetches.push(client.invalidateQueries({ queryKey: newsKeys.incidents }));
  fetches.push(client.invalidateQueries({ queryKey: newsKeys.messages }));
  if (events.some((event) => /\.(handler|delivery|config)\./.test(event.type))) {
    fetches.push(client.invalidateQueries({ queryKey: newsKeys.groups }));
  }
  await Promise.all(fetches);
}

/** Everything that may have changed while no news came. */
export function refreshAllNews(client: QueryClient): void {
  for (const queryKey of [newsKeys.inbox, newsKeys.incidents, newsKeys.messages, newsKeys.groups, newsKeys.silences, newsKeys.maintenance]) {
    void client.invalidateQueries({ queryKey });
  }
}
