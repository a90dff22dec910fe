// Says that what is shown may be old, and what is done about it. A short interruption is not worth a word.
import { useDebouncedValue } from '@mantine/hooks';
import { IconPlugConnectedX, IconRefreshAlert } from '@tabler/icons-react';

import { ApiError } from '../api/client';
import { useStreamState } from '../api/live';
import { useActiveTasks } from '../api/tasks';
import { formatClock } from '../format/time';
import classes from './Shell.module.css';
import { useZone } from './zone';

/** What is wrong with the hub as a whole; what it refused is said where it was asked for. */
function explain(error: Error | null): string | null {
  const status = error instanceof ApiError ? error.status : 0;
  if (error === null || (status >= 400 && status < 500)) return null;
  return status === 0 ? 'The hub does not answer.' : 'The hub answers with errors.';
}

export function ReconnectBanner() {
  const { zone } = useZone();
  const state = useStreamState();
  const [settled] = useDebouncedValue(state, 2_500);
  const active = useActiveTasks();
  const polling = state === 'polling' && settled === 'polling';
  // Questions can fail while the stream still stands, as when a proxy lets only that through.
  const outage = explain(active.error) ?? (polling ? explain(active.failureReason) : null);
  const unreachable = outage !== null;
  if (!polling && !unreachable) return <div role="status" />;
  const since = active.dataUpdatedAt > 0 ? formatClock(new Date(active.dataUpdatedAt).toISOString(), zone) : null;
  return (
    <div className={classes.banner} data-bad={unreachable} role="status">
      {unreachable ? <IconPlugConnectedX size={18} aria-hidden /> : <IconRefreshAlert size={18} aria-hidden />}
      {unreachable
        ? `${outage} ${since === null ? '' : `Shown is what was known at ${since}. `}Trying again by itself.`
        : 'Live updates are interrupted. This page asks every 5 seconds until they are back.'}
    </div>
  );
}
