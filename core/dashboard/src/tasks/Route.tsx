// What a task reads and what it writes, on one line.
import { IconArrowRight } from '@tabler/icons-react';

import type { Task } from '../api/model';
import classes from './Route.module.css';

/** With `stacked`, the target stands below the source, so that both can be read in a narrow column. */
export function Route({ task, stacked = false }: { task: Pick<Task, 'source' | 'target'>; stacked?: boolean }) {
  const { source, target } = task;
  const text = [source, target].filter((each) => each != null).join(' → ');
  if (text === '') return <span className={classes.route}>–</span>;
  return (
    <span className={classes.route} title={text} data-stacked={(stacked && source != null && target != null) || undefined}>
      {source != null && <span className={classes.end}>{source}</span>}
      {target != null && (
        <span className={classes.to}>
          {source != null && <IconArrowRight size={14} stroke={1.8} aria-label="to" />}
          <span className={classes.end}>{target}</span>
        </span>
      )}
    </span>
  );
}
