// A few words that must be seen, with a sign and a colour for how much they matter.
import { IconAlertTriangle, IconCircleCheck, IconInfoCircle, IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';

import classes from './Callout.module.css';

const SIGNS = { ok: IconCircleCheck, warning: IconAlertTriangle, failed: IconX, quiet: IconInfoCircle };

export function Callout({ kind, title, children, role }: { kind: keyof typeof SIGNS; title?: ReactNode; children?: ReactNode; role?: 'alert' | 'status' }) {
  const Sign = SIGNS[kind];
  return (
    <div className={classes.callout} data-kind={kind} role={role}>
      <Sign size={18} stroke={2} aria-hidden />
      <div>
        {title !== undefined && <p className={classes.title}>{title}</p>}
        {children}
      </div>
    </div>
  );
}
