// Says that what is shown may be old, and what is done about it. A short interruption is not worth a word.
import { useDebouncedValue } from '@mantine/hooks';
import { IconPlugConnectedX, IconRefreshAlert } from '@tabler/icons-react';

import { useStreamState } from '../api/live';
import { useActiveTasks } from '../api/tasks';
import { formatClock } from '../format/time';
import classes from './Shell.module.css';
import { useZone } from './zone';

export function ReconnectBanner() {
  const { zone } = useZone();
  const state = useStreamState();
  const [settled] = useDebouncedValue(state, 2_500);
  const active = useActiveTasks();
  if (state !== 'polling' || settled !== 'polling') return <div role="status" />;
  const unreachable = active.failureCount > 0 || active.isError;
  const since = active.dataUpdatedAt > 0 ? formatClock(new Date(active.dataUpdatedAt).toISOString(), zone) : null;
  return (
    <div className={classes.banner} data-bad={unreachable} role="status">
      {unreachable ? <IconPlugConnectedX size={18} aria-hidden /> : <IconRefreshAlert size={18} aria-hidden />}
      {unreachable
        ? `The hub does not answer. ${since === null ? '' : `Shown is what was known at ${since}. `}Trying again by itself.`
        : 'Live updates are interrupted. This page asks every 5 seconds until they are back.'}
    </div>
  );
}
