// One cell of the calendar: it opens the log of its task, or lists the tasks where there are several.
import { Popover } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';

import { useDayTasks } from '../api/calendar';
import type { Task } from '../api/model';
import { TaskLink } from '../tasks/TaskLink';
import { Failure, Loading } from '../ui/Panel';
import page from '../ui/Page.module.css';
import { StatusBadge } from '../ui/StatusBadge';
import { Time } from '../ui/Time';
import { TypeLabel } from '../ui/TypeLabel';
import classes from './calendar.module.css';
import { type DayEntry, inWords, STATES, timeOf, worstOf } from './collect';
import { dayName } from './days';

interface CellProps {
  entry: DayEntry;
  /** The span of the day, to ask for its tasks. */
  since: string;
  until: string;
  project?: string | undefined;
  /** Only this job's. */
  job?: string | undefined;
  className?: string | undefined;
  children: ReactNode;
}

export function DayCell(props: CellProps) {
  const { entry, className, children, job } = props;
  const [open, setOpen] = useState(false);
  const only = entry.only;
  const name = `${job === undefined ? '' : `${job}, `}${dayName(entry.day)}: `;
  const attributes = { className: [classes.cell, className].join(' '), 'data-worst': worstOf(entry), 'data-planned': entry.planned.length > 0 || undefined };
  const inner = <><span className={classes.hidden}>{name}</span>{children}</>;
  if (entry.tasks === 0 && entry.planned.length === 0 && entry.missed.length === 0) {
    return <span {...attributes}>{inner}<span className={classes.hidden}>nothing</span></span>;
  }
  if (only !== null && entry.planned.length === 0 && entry.missed.length === 0) {
    return <span {...attributes}><TaskLink upid={only.upid} log className={classes.press}>{inner}</TaskLink></span>;
  }
  return (
    <span {...attributes}>
      <Popover opened={open} onChange={setOpen} position="bottom" shadow="md" withinPortal trapFocus returnFocus width={380}>
        <Popover.Target>
          <button type="button" className={classes.press} aria-expanded={open} onClick={() => setOpen(!open)}>{inner}</button>
        </Popover.Target>
        <Popover.Dropdown className={classes.dropdown} aria-label={dayName(entry.day)}>
          {open && <DayList {...props} close={() => setOpen(false)} />}
        </Popover.Dropdown>
      </Popover>
    </span>
  );
}

const RANK = new Map<string, number>(STATES.map((state, at) => [state, at]));
const byWorst = (a: Task, b: Task) => (RANK.get(a.state) ?? 9) - (RANK.get(b.state) ?? 9) || timeOf(b).localeCompare(timeOf(a));

function DayList({ entry, since, until, project, job, close }: CellProps & { close: () => void }) {
  const span = { since, until, ...(project === undefined ? {} : { project }), ...(job === undefined ? {} : { job }) };
  const { data, error, refetch } = useDayTasks(span, entry.tasks > 0);
  const tasks = [...(data?.tasks ?? [])].sort(byWorst);
  return (
    <div className={classes.day}>
      <h2>{job === undefined ? '' : `${job}, `}{dayName(entry.day)}</h2>
      <p className={classes.faint}>{inWords(entry)}</p>
      {entry.missed.length > 0 && (
        <ul aria-label="Missed">{entry.missed.map((run) => <li key={run.seq}><span className={classes.missed}>missed</span><span className={classes.what}>{run.title}</span></li>)}</ul>
      )}
      {entry.tasks > 0 && data === undefined && (error === null ? <Loading rows={4} /> : <Failure error={error} retry={() => void refetch()} />)}
      {tasks.length > 0 && (
        <ul aria-label="Tasks">
          {tasks.map((task) => (
            <li key={task.upid}>
              <StatusBadge state={task.state} status={task.status} />
              <TaskLink upid={task.upid} log className={classes.open}>
                <TypeLabel type={task.type} /> {task.job ?? task.target}
              </TaskLink>
              <span className={classes.faint}><Time at={timeOf(task)} after={timeOf(task)} /></span>
            </li>
          ))}
        </ul>
      )}
      {data?.next != null && <p className={classes.faint}>The newest 50 are listed.</p>}
      {entry.planned.length > 0 && (
        <ul aria-label="Planned">
          {entry.planned.slice(0, 20).map((run) => (
            <li key={`${run.project}/${run.job}/${run.begins}`}>
              <span className={classes.planned}>planned</span>
              <Link to="/jobs/$project/$name" params={{ project: run.project, name: run.job }} className={classes.open} onClick={close}>
                <TypeLabel type={run.type} /> {run.job}
              </Link>
              <span className={classes.faint}><Time at={run.begins} after={run.begins} /></span>
            </li>
          ))}
        </ul>
      )}
      {entry.tasks > 0 && (
        <Link to="/tasks" search={{ since, until, ...(job === undefined ? {} : { job }) }} className={page.link}>All tasks of this day</Link>
      )}
    </div>
  );
}
