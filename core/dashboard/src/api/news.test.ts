import { QueryClient } from '@tanstack/react-query';
import { describe, expect, it, vi } from 'vitest';

import type { HubEvent } from './model';
import { newsKeys, refreshNews } from './news';

const event = (type: string) => ({ type, data: { severity: 'info', title: '' } }) as unknown as HubEvent;

function known(pages: number) {
  const client = new QueryClient();
  client.setQueryData(newsKeys.inboxList({}), { pages: Array.from({ length: pages }, () => ({ entries: [] })), pageParams: [] });
  client.setQueryData(newsKeys.inboxCounts, { unread: 1 });
  client.setQueryData(newsKeys.groups, { groups: [] });
  return { client, stale: (key: readonly unknown[]) => client.getQueryState(key)?.isInvalidated };
}

describe('news', () => {
  it('makes the inbox and its counts old, groups only where handlers are concerned', async () => {
    const { client, stale } = known(1);
    await refreshNews(client, [event('ironcore.task.queued')]);
    expect([stale(newsKeys.inboxList({})), stale(newsKeys.inboxCounts), stale(newsKeys.groups)]).toEqual([true, true, false]);
    await refreshNews(client, [event('ironcore.handler.disabled')]);
    expect(stale(newsKeys.groups)).toBe(true);
  });
  it('does not move a long list under its reader, but says that there is more', async () => {
    const { client, stale } = known(4);
    await refreshNews(client, [event('ironcore.task.queued'), event('ironcore.task.started')]);
    await refreshNews(client, [event('ironcore.task.completed')]);
    expect(stale(newsKeys.inboxList({}))).toBe(false);
    expect(client.getQueryData(newsKeys.inboxBehind)).toBe(3);
  });
  it('asks for each list once', async () => {
    const { client } = known(1);
    const asked = vi.spyOn(client, 'invalidateQueries');
    await refreshNews(client, [event('ironcore.task.queued'), event('ironcore.task.started')]);
    expect(asked.mock.calls.filter(([filters]) => filters?.exact === true)).toHaveLength(1);
  });
});
