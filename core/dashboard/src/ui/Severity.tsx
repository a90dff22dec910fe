// How much an event matters: a word, a sign and a colour, so that no one of the three carries it alone.
import { IconAlertTriangle, IconCircleX, IconInfoCircle, IconPointFilled } from '@tabler/icons-react';

import type { Severity } from '../api/model';
import classes from './StatusBadge.module.css';

const SIGNS = { error: IconCircleX, warning: IconAlertTriangle, notice: IconInfoCircle, info: IconPointFilled };
/** The colours are those of task states. */
const STATES = { error: 'failed', warning: 'warning', notice: 'running', info: 'quiet' } as const;

export function SeverityBadge({ severity }: { severity: Severity }) {
  const Sign = SIGNS[severity];
  return (
    <span className={classes.badge} data-state={STATES[severity]}>
      <Sign size={13} stroke={2.2} aria-hidden />
      {severity}
    </span>
  );
}

/** Only the sign, where the word stands elsewhere or there is no room for it. */
export function SeveritySign({ severity }: { severity: Severity }) {
  const Sign = SIGNS[severity];
  return (
    <span className={classes.sign} data-state={STATES[severity]} title={severity}>
      <Sign size={17} stroke={2} aria-label={severity} role="img" />
    </span>
  );
}

/** Any word on the ground of a state's colour. */
export function Tag({ kind = 'quiet', children }: { kind?: 'ok' | 'warning' | 'failed' | 'running' | 'quiet'; children: React.ReactNode }) {
  return <span className={classes.badge} data-state={kind} data-plain>{children}</span>;
}
