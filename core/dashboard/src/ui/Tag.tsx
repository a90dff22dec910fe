// A word in a small frame: a state that is no task's.
import type { ReactNode } from 'react';

import classes from './Tag.module.css';

export function Tag({ kind = 'quiet', children, title }: { kind?: 'ok' | 'warning' | 'failed' | 'quiet' | 'running'; children: ReactNode; title?: string }) {
  return <span className={classes.tag} data-kind={kind} title={title}>{children}</span>;
}
