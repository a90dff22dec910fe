// A task's status as a word with a sign and a colour, so that no one of the three carries it alone.
import { IconAlertTriangle, IconCheck, IconClock, IconMinus, IconX } from '@tabler/icons-react';

import { SHOWN, type TaskState } from '../api/model';
import classes from './StatusBadge.module.css';

const SIGNS = { ok: IconCheck, warning: IconAlertTriangle, failed: IconX, cancelled: IconMinus, queued: IconClock };

export function StatusBadge({ state, status }: { state: TaskState; status?: string }) {
  const Sign = state === 'running' ? null : SIGNS[state];
  return (
    <span className={classes.badge} data-state={state}>
      {Sign === null ? <span className={classes.pulse} aria-hidden /> : <Sign size={13} stroke={2.4} aria-hidden />}
      {status ?? SHOWN[state]}
    </span>
  );
}
