// A task's particulars and what it moved, as pairs of a name and a value.
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import type { Task } from '../api/model';
import { formatCount } from '../format/bytes';
import { elapsed, formatDuration } from '../format/time';
import { shortUpid } from '../format/upid';
import { CopyButton } from '../ui/Copy';
import { useNow } from '../ui/now';
import { Bytes, Time } from '../ui/Time';
import { TaskLink } from './TaskLink';
import classes from './TaskPanel.module.css';

type Fact = [name: string, value: ReactNode];

/** The counters that mean something for this task: those that are not zero. */
function counted({ stats, type }: Task): Fact[] {
  const facts: Fact[] = [];
  const bytes: [string, number][] = [['Read', stats.bytes_read], ['Newly stored', stats.bytes_stored]];
  for (const [name, value] of bytes) if (value > 0) facts.push([name, <Bytes key={name} value={value} />]);
  if (stats.chunks > 0) {
    facts.push(['Chunks', formatCount(stats.chunks)]);
    if (stats.chunks_known > 0) facts.push(['Already stored', `${((stats.chunks_known / stats.chunks) * 100).toFixed(1)} % of chunks`]);
  }
  if (stats.files > 0) facts.push(['Files', formatCount(stats.files)]);
  if (stats.files_unchanged > 0) facts.push(['Unchanged', `${formatCount(stats.files_unchanged)} files`]);
  if (stats.snapshots > 0) facts.push(['Snapshots', formatCount(stats.snapshots)]);
  if (stats.snapshots_affected > 0) facts.push([type === 'verify' ? 'Found bad' : 'Removed', formatCount(stats.snapshots_affected)]);
  if (stats.snapshots_skipped > 0) facts.push(['Left out', `${formatCount(stats.snapshots_skipped)} verified OK before`]);
  return facts;
}

export function TaskFacts({ task }: { task: Task }) {
  const now = useNow();
  const took = elapsed(task.started, task.ended, now);
  const facts: Fact[] = [
    ['Time', <Time key="time" at={task.started ?? task.queued} />],
    ['End', task.ended == null ? (task.state === 'queued' ? '–' : <em key="end">running</em>) : <Time key="end" at={task.ended} />],
    ['Duration', took === null ? '–' : formatDuration(took)],
    ['Bytes', <Bytes key="bytes" value={task.bytes} />],
    ['User', task.user],
    ['Project', task.project ?? 'none: the hub’s own'],
    ...(task.job == null ? [] : [['Job', <Link key="job" to="/tasks" search={{ job: task.job }}>{task.job}</Link>] satisfies Fact]),
    ...counted(task),
  ];
  if (task.cancelled_by != null) facts.push([task.state === 'cancelled' ? 'Cancelled by' : 'Cancel asked by', task.cancelled_by]);
  if (task.node != null) facts.push(['Worker', task.node]);
  if (task.attempt > 1) facts.push(['Attempt', formatCount(task.attempt)]);
  if (task.retry_of != null) {
    facts.push(['Retry of', <TaskLink key="retry" upid={task.retry_of}><code>{shortUpid(task.retry_of)}</code></TaskLink>]);
  }
  if (task.retried_by != null) {
    facts.push(['Retried by', <TaskLink key="retried" upid={task.retried_by}><code>{shortUpid(task.retried_by)}</code></TaskLink>]);
  }
  return (
    <dl className={classes.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
      <div className={classes.wide}>
        <dt>UPID</dt>
        <dd className={classes.upid}><code>{task.upid}</code> <CopyButton value={task.upid} what="UPID" /></dd>
      </div>
    </dl>
  );
}
