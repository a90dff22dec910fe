// Every job: what it does, when it runs next, and how it went last.
import { Button, TextInput } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { IconCalendarRepeat, IconFilterOff, IconPlus, IconSearch } from '@tabler/icons-react';
import { useMemo } from 'react';

import { useJobs } from '../api/jobs';
import { type JobView, TASK_TYPES } from '../api/model';
import { useRefusal, useSession } from '../api/rights';
import { formatCount } from '../format/bytes';
import { withParts } from '../format/search';
import { ChoiceFilter } from '../tasks/FilterMenu';
import { Route } from '../tasks/Route';
import { TaskOverlay } from '../tasks/TaskOverlay';
import { CommandLine } from '../ui/Copy';
import { type Column, DataTable } from '../ui/DataTable';
import { Empty, Failure, Loading, PageHead } from '../ui/Panel';
import page from '../ui/Page.module.css';
import { Tag } from '../ui/Tag';
import { TypeLabel } from '../ui/TypeLabel';
import { JobActions } from './JobActions';
import { LastResult, NextRun, SchedulerPaused } from './JobParts';
import { passes, routeOf, type Standing, STANDINGS, whenOf } from './words';

const route = getRouteApi('/jobs');

const COLUMNS: Column<JobView>[] = [
  {
    id: 'job',
    head: 'Job',
    lead: true,
    width: '17%',
    cell: ({ job }) => (
      <>
        <Link to="/jobs/$project/$name" params={{ project: job.project, name: job.name }}>{job.name}</Link>{' '}
        {job.enabled === false && <Tag kind="warning">paused</Tag>}
        <small>{job.project}</small>
      </>
    ),
  },
  { id: 'type', head: 'Type', width: '6rem', cell: ({ job }) => <TypeLabel type={job.task.type} /> },
  { id: 'route', head: 'Source / Target', width: '20%', cell: ({ job }) => <Route task={routeOf(job.task)} stacked /> },
  {
    id: 'schedule',
    head: 'Schedule',
    width: '19%',
    cell: ({ job }) => (
      <span title={job.schedule ?? undefined}>
        {whenOf(job)}
        {job.schedule != null && <small>{job.timezone ?? 'UTC'}</small>}
      </span>
    ),
  },
  { id: 'next', head: 'Next run', width: '11.3rem', cell: (view) => <NextRun view={view} /> },
  { id: 'last', head: 'Last result', width: '9.5rem', cell: ({ last }) => <LastResult task={last ?? null} /> },
  { id: 'owner', head: 'Owner', width: '7rem', cell: ({ job }) => job.owner },
  { id: 'actions', head: 'Actions', width: '7rem', bare: true, cell: ({ job }) => <JobActions job={job} brief /> },
];

export function JobsPage() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const { data, error, refetch } = useJobs();
  const session = useSession();
  const noChange = useRefusal('configure');
  const shown = useMemo(() => data?.filter((view) => passes(view, search)), [data, search]);
  const projects = useMemo(() => [...new Set(data?.map(({ job }) => job.project))].sort(), [data]);
  const words = (text: string | undefined) => text?.split(',') ?? [];
  const change = (parts: Record<string, string | undefined>) => void navigate({ to: '/jobs', search: (before) => withParts(before, parts), resetScroll: false, replace: 'text' in parts });
  const filtered = search.project !== undefined || search.type !== undefined || search.state !== undefined || search.text !== undefined;
  return (
    <>
      <PageHead title="Jobs">
        <span className={page.count} role="status">{shown !== undefined && `${formatCount(shown.length)} ${shown.length === 1 ? 'job' : 'jobs'}`}</span>
        {noChange === null && (
          <Button className={page.right} size="xs" leftSection={<IconPlus size={15} aria-hidden />} renderRoot={(props) => <Link to="/jobs/new" {...props} />}>New job</Button>
        )}
      </PageHead>
      <search className={page.filters}>
        {session?.project == null && <ChoiceFilter label="Project" options={projects} value={words(search.project)} onChange={(project) => change({ project: project.join(',') })} />}
        <ChoiceFilter label="Type" options={TASK_TYPES} value={TASK_TYPES.filter((type) => words(search.type).includes(type))} onChange={(type) => change({ type: type.join(',') })} />
        <ChoiceFilter
          label="State" options={STANDINGS.map((each) => each.value)} shown={Object.fromEntries(STANDINGS.map((each) => [each.value, each.label])) as Record<Standing, string>}
          value={STANDINGS.map((each) => each.value).filter((each) => words(search.state).includes(each))} onChange={(state) => change({ state: state.join(',') })}
        />
        <TextInput className={page.search ?? ''} aria-label="Search" placeholder="Search" leftSection={<IconSearch size={16} stroke={1.7} />} value={search.text ?? ''} onChange={(event) => change({ text: event.currentTarget.value })} spellCheck={false} />
        {filtered && <Button variant="subtle" color="gray" onClick={() => change({ project: undefined, type: undefined, state: undefined, text: undefined })}>Clear</Button>}
      </search>
      <SchedulerPaused />
      <section className={page.frame} aria-label="Jobs">
        {data === undefined && <div className={page.pad}>{error === null ? <Loading rows={10} height={26} /> : <Failure error={error} retry={() => void refetch()} />}</div>}
        {data?.length === 0 && (
          <Empty icon={<IconCalendarRepeat size={21} stroke={1.7} />} title="There are no jobs yet">
            {noChange === null ? 'Make the first one with “New job”, or declare jobs in a file and apply it.' : 'An administrator declares jobs.'}
          </Empty>
        )}
        {data !== undefined && data.length > 0 && shown?.length === 0 && <Empty icon={<IconFilterOff size={21} stroke={1.7} />} title="No job matches these filters" />}
        {shown !== undefined && shown.length > 0 && <DataTable label="Jobs" columns={COLUMNS} rows={shown} rowKey={({ job }) => `${job.project}/${job.name}`} />}
      </section>
      <CommandLine command="ironcore-backup job list" />
      <TaskOverlay />
    </>
  );
}
