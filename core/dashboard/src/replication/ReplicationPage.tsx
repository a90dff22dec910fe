// Replication: each job that syncs, how far its copy is behind, what it moved, and the runs of late.
import { Link } from '@tanstack/react-router';
import { IconTransfer } from '@tabler/icons-react';
import { useMemo } from 'react';

import { useStatistics } from '../api/hub';
import { useJobs } from '../api/jobs';
import { useGoodSyncs, useLatestSyncs } from '../api/tasks';
import { formatBytes } from '../format/bytes';
import { formatDuration } from '../format/time';
import { JobActions } from '../jobs/JobActions';
import { LastResult, NextRun, SchedulerPaused } from '../jobs/JobParts';
import { TaskOverlay } from '../tasks/TaskOverlay';
import { TaskTable } from '../tasks/TaskTable';
import { Callout } from '../ui/Callout';
import { CommandLine } from '../ui/Copy';
import { type Column, DataTable } from '../ui/DataTable';
import { useNow } from '../ui/now';
import page from '../ui/Page.module.css';
import { Empty, Failure, Loading, PageHead, Panel } from '../ui/Panel';
import { Tag } from '../ui/Tag';
import classes from './replication.module.css';
import { isBehind, lagOf, lastGoodByJob, movedBy, type Replication, replications } from './words';

export function ReplicationPage() {
  const now = useNow();
  const jobs = useJobs();
  const tasks = useLatestSyncs();
  const ended = useGoodSyncs();
  const week = useStatistics({ since: '7d ago', bucket: 'none', by: 'job', type: 'sync' });
  const all = useMemo(() => (jobs.data === undefined ? undefined : replications(jobs.data)), [jobs.data]);
  const good = useMemo(() => lastGoodByJob(ended.data?.tasks ?? []), [ended.data]);
  const lag = ({ view: { job } }: Replication) => lagOf(good.get(`${job.project}/${job.name}`), now);
  const behind = ended.data === undefined ? [] : (all ?? []).filter((each) => each.view.job.enabled !== false && isBehind(each.view, lag(each)));

  const columns: Column<Replication>[] = [
    {
      id: 'job', head: 'Job', lead: true, width: '15%',
      cell: ({ view: { job } }) => <><Link to="/jobs/$project/$name" params={{ project: job.project, name: job.name }}>{job.name}</Link> {job.enabled === false && <Tag kind="warning">paused</Tag>}<small>{job.project}</small></>,
    },
    { id: 'from', head: 'From', width: '19%', cell: ({ from, remote, part }) => <>{from}{remote !== null && <small title={remote.pinned ? 'Its certificate is pinned.' : 'Its certificate is checked against the known authorities.'}>{remote.url.replace(/^https?:\/\//, '')}</small>}{part !== null && <small>only {part}</small>}</> },
    { id: 'to', head: 'To', width: '10%', cell: ({ to }) => <Link to="/datastores/$name" params={{ name: to }}>{to}</Link> },
    {
      id: 'lag', head: 'Copy is from', width: '10rem',
      cell: (each) => {
        const age = lag(each);
        if (ended.data === undefined) return '…';
        return (
          <span className={classes.lag} data-behind={isBehind(each.view, age) || undefined}>
            {age === null ? 'not known' : `${formatDuration(age)} ago`}
            <small>{each.view.job['recovery-point'] == null ? (age === null ? 'no good run of late' : 'when the last good run began') : `at most ${each.view.job['recovery-point']} is wanted`}</small>
          </span>
        );
      },
    },
    { id: 'moved', head: '7 days', end: true, width: '6rem', cell: ({ view }) => { const bytes = movedBy(week.data, view); return bytes === null ? '…' : formatBytes(bytes); } },
    { id: 'last', head: 'Last run', width: '9.5rem', cell: ({ view: { last } }) => <LastResult task={last ?? null} /> },
    { id: 'next', head: 'Next run', width: '11.3rem', cell: ({ view }) => <NextRun view={view} /> },
    { id: 'actions', head: 'Actions', bare: true, width: '7rem', cell: ({ view: { job } }) => <JobActions job={job} brief /> },
  ];

  return (
    <>
      <PageHead title="Replication"><span className={page.count}>Jobs that copy snapshots to another datastore</span></PageHead>
      <SchedulerPaused />
      <div className={page.stack}>
        {behind.length > 0 && (
          <Callout kind="warning" title={behind.length === 1 ? 'A copy is older than it may be' : `${behind.length} copies are older than they may be`}>
            <p>{behind.map(({ view: { job } }) => `${job.project}/${job.name}`).join(', ')}</p>
          </Callout>
        )}
        <Panel title="Jobs" count={all?.length} flush>
          {all === undefined && <div className={page.pad}>{jobs.error === null ? <Loading rows={6} height={26} /> : <Failure error={jobs.error} retry={() => void jobs.refetch()} />}</div>}
          {all?.length === 0 && <Empty icon={<IconTransfer size={21} stroke={1.7} />} title="Nothing is replicated">A job of the type sync copies snapshots to another datastore, from here or from another hub. <Link to="/jobs" search={{}}>Jobs</Link></Empty>}
          {all !== undefined && all.length > 0 && <DataTable label="Replication" columns={columns} rows={all} rowKey={({ view: { job } }) => `${job.project}/${job.name}`} />}
        </Panel>
        {/* Below a list of unknown length nothing stands that would move when it is there. */}
        {jobs.data !== undefined && (
          <Panel title="Runs of late" side={<Link to="/tasks" search={{ type: 'sync' }} className={page.link}>All syncs</Link>} flush>
            {tasks.data === undefined && <div className={page.pad}>{tasks.error === null ? <Loading rows={6} height={22} /> : <Failure error={tasks.error} retry={() => void tasks.refetch()} />}</div>}
            {tasks.data?.tasks.length === 0 && <Empty icon={<IconTransfer size={21} stroke={1.7} />} title="No sync ran yet" />}
            {tasks.data !== undefined && tasks.data.tasks.length > 0 && <TaskTable tasks={tasks.data.tasks} label="Runs of late" />}
          </Panel>
        )}
        <CommandLine command="ironcore-backup task list --type sync" />
      </div>
      <TaskOverlay />
    </>
  );
}
