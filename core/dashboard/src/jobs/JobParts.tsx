// How a job went last and when it goes next, in a few words.
import { Link } from '@tanstack/react-router';
import { IconHourglass } from '@tabler/icons-react';

import { useStatus } from '../api/hub';
import type { JobRun, JobView, Task } from '../api/model';
import { formatDuration } from '../format/time';
import { TaskLink } from '../tasks/TaskLink';
import { Callout } from '../ui/Callout';
import { useNow } from '../ui/now';
import { StatusBadge } from '../ui/StatusBadge';
import { Time } from '../ui/Time';
import classes from './jobs.module.css';

export function LastResult({ task }: { task: Task | null }) {
  if (task === null) return <span className={classes.faint}>never ran</span>;
  return (
    <TaskLink upid={task.upid} className={classes.last} log>
      <StatusBadge state={task.state} status={task.status} />
      <small><Time at={task.ended ?? task.started ?? task.queued} ago /></small>
    </TaskLink>
  );
}

/** The run that begins next; why there is none. */
export function NextRun({ view: { job, next, waiting } }: { view: JobView }) {
  const run = waiting ?? next[0];
  if (run !== undefined) {
    return (
      <span className={classes.next}>
        <When run={run} />
      </span>
    );
  }
  if (job.enabled === false) return <span className={classes.faint}>paused</span>;
  if (job.schedule == null) return <span className={classes.faint}>{job.after == null ? 'by hand' : `after ${job.after}`}</span>;
  return <span className={classes.faint}>none</span>;
}

function When({ run }: { run: JobRun }) {
  const now = useNow();
  const left = Date.parse(run.begins) - now;
  return (
    <>
      <Time at={run.begins} />
      <small>{left > 0 ? `in ${formatDuration(left)}` : run.upid == null ? 'due' : 'waits in the queue'}</small>
    </>
  );
}

/** Said once above whatever tells of next runs. */
export function SchedulerPaused() {
  const { data: status } = useStatus();
  if (status?.scheduler_paused == null) return null;
  return (
    <div className={classes.above}>
      <Callout kind="warning" title="The scheduler is paused">
        <p>No job begins by itself since <Time at={status.scheduler_paused} />. <Link to="/workers">See workers and scheduler</Link></p>
      </Callout>
    </div>
  );
}

/** The next runs, with what holds or joins them. */
export function NextRuns({ runs }: { runs: JobRun[] }) {
  const now = useNow();
  return (
    <ol className={classes.runs}>
      {runs.map((run) => (
        <li key={run.begins}>
          <Time at={run.begins} />
          <span className={classes.faint}>{Date.parse(run.begins) > now ? `in ${formatDuration(Date.parse(run.begins) - now)}` : 'due'}</span>
          {(run.held_by != null || run.left_out > 0 || run.ticks > 1) && (
            <span className={classes.note}>
              {run.held_by != null && <><IconHourglass size={13} aria-hidden /> held by the blackout from {run.held_by.from} for {run.held_by.lasts} </>}
              {run.ticks > 1 && `stands for ${run.ticks} times `}
              {run.left_out > 0 && `${run.left_out === 1 ? 'one time' : `${run.left_out} times`} before it left out: blackout`}
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}
