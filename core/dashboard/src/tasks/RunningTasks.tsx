// The running tasks with a bar for each stage, and behind them those that wait.
import { Link } from '@tanstack/react-router';
import { IconHourglass, IconMoonStars } from '@tabler/icons-react';

import { useActiveTasks } from '../api/tasks';
import type { Task } from '../api/model';
import { formatCount } from '../format/bytes';
import { elapsed, formatDuration } from '../format/time';
import { useNow } from '../ui/now';
import { Empty, Failure, Loading, Panel } from '../ui/Panel';
import { Bytes, Time } from '../ui/Time';
import { TypeLabel } from '../ui/TypeLabel';
import { Route } from './Route';
import classes from './RunningTasks.module.css';
import { Stages } from './Stages';
import { TaskLink } from './TaskLink';

function Running({ task }: { task: Task }) {
  const now = useNow();
  const running = elapsed(task.started, null, now);
  return (
    <li className={classes.task}>
      <div className={classes.head}>
        <TaskLink upid={task.upid} className={classes.link}>
          <TypeLabel type={task.type} />
          {task.job != null && <span className={classes.job}>{task.job}</span>}
        </TaskLink>
        <span className={classes.facts}>
          <Bytes value={task.bytes} />
          {running !== null && <span className="num" title="Running for">{formatDuration(running)}</span>}
        </span>
      </div>
      <div className={classes.route}>
        <Route task={task} />
      </div>
      <Stages task={task} brief />
    </li>
  );
}

/** Waiting tasks that are shown; the rest is a click away. */
const SHOWN_WAITING = 5;

export function RunningTasks() {
  const { data, error, refetch } = useActiveTasks();
  const running = data?.tasks.filter((task) => task.state === 'running') ?? [];
  // Those that wait longest first: they are next.
  const queued = data?.tasks.filter((task) => task.state === 'queued').reverse() ?? [];
  const waiting = Math.max(queued.length, data?.queued ?? 0);
  return (
    <Panel title="Running tasks" count={data?.next == null ? running.length : data.count}>
      {data === undefined && error === null && <Loading rows={5} />}
      {data === undefined && error !== null && <Failure error={error} retry={() => void refetch()} />}
      {data !== undefined && running.length === 0 && queued.length === 0 && (
        <Empty icon={<IconMoonStars size={21} stroke={1.7} />} title="Nothing is running">
          The next task shows up here by itself.
        </Empty>
      )}
      {running.length > 0 && (
        <ul className={classes.tasks}>{running.map((task) => <Running key={task.upid} task={task} />)}</ul>
      )}
      {queued.length > 0 && (
        <div className={classes.queued}>
          <h3><IconHourglass size={15} stroke={1.8} aria-hidden /> Waiting: {formatCount(waiting)}{data?.queued_capped === true && '+'}</h3>
          <ul>
            {queued.slice(0, SHOWN_WAITING).map((task) => (
              <li key={task.upid}>
                <TaskLink upid={task.upid} className={classes.link}>
                  <TypeLabel type={task.type} />
                  {task.job != null && <span className={classes.job}>{task.job}</span>}
                </TaskLink>
                <span className={classes.why}>
                  {task.waiting ?? 'waits for a worker'} · queued <Time at={task.queued} ago />
                </span>
              </li>
            ))}
          </ul>
          {waiting > SHOWN_WAITING && <Link to="/tasks" search={{ status: 'queued' }} className={classes.more}>All that wait</Link>}
        </div>
      )}
    </Panel>
  );
}
