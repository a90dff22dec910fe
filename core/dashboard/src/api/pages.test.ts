import { QueryClient } from '@tanstack/react-query';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { known, refreshSlowly, staleAfter } from './pages';

describe('what an event makes old', () => {
  it('goes by its subject', () => {
    expect(staleAfter('ironcore.snapshot.verified')).toEqual([known.snapshots, known.incidents]);
    expect(staleAfter('ironcore.task.started')).not.toContain(known.incidents);
    expect(staleAfter('ironcore.task.failed')).toContain(known.incidents);
    expect(staleAfter('ironcore.scheduler.paused')).toContain(known.status);
    expect(staleAfter('something.new')).toEqual([known.incidents]);
  });
});

describe('asking again', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('is done once for many events, for long answers later', () => {
    const client = new QueryClient();
    const asked = vi.spyOn(client, 'invalidateQueries').mockResolvedValue();
    const news = refreshSlowly(client);
    for (let at = 0; at < 50; at += 1) news.tell('ironcore.task.started');
    vi.advanceTimersByTime(2_000);
    const first = asked.mock.calls.map(([filters]) => filters?.queryKey);
    expect(first).toContainEqual(known.status);
    expect(first).not.toContainEqual(known.jobList);
    vi.advanceTimersByTime(9_000);
    expect(asked.mock.calls.filter(([filters]) => filters?.queryKey === known.jobList)).toHaveLength(1);
    news.tell('ironcore.task.started');
    news.stop();
    vi.advanceTimersByTime(60_000);
    expect(asked.mock.calls.filter(([filters]) => filters?.queryKey === known.status)).toHaveLength(1);
  });
});
