// The five metrics of what backups and syncs moved: in all, over time, and by job or datastore.
import { Button } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { IconAlertTriangle, IconChartLine } from '@tabler/icons-react';
import { useMemo } from 'react';

import { useDatastores } from '../api/datastores';
import { type StatisticsQuery, useStatistics } from '../api/hub';
import { useJobs } from '../api/jobs';
import type { Statistics } from '../api/model';
import { formatCount } from '../format/bytes';
import { oneOf, withParts } from '../format/search';
import { Chart } from '../ui/Chart';
import { CommandLine } from '../ui/Copy';
import { type Column, DataTable } from '../ui/DataTable';
import { Empty, Failure, Loading, PageHead, Panel } from '../ui/Panel';
import page from '../ui/Page.module.css';
import { Segments } from '../ui/Segments';
import { Tag } from '../ui/Tag';
import { ChoiceSelect } from './ChoiceSelect';
import { Limits } from './Limits';
import { BOUNDS, FORMATS, markOf, MEANINGS, type Metric, METRICS, NAMES, SERIES, shown, valuesOf } from './metrics';
import classes from './statistics.module.css';

const route = getRouteApi('/statistics');
const RANGES = [
  { value: '24h', label: '24 hours', bucket: 'hour' },
  { value: '7d', label: '7 days', bucket: 'day' },
  { value: '30d', label: '30 days', bucket: 'day' },
  { value: '90d', label: '90 days', bucket: 'week' },
  { value: '365d', label: 'A year', bucket: 'week' },
] as const;
const BY = [{ value: 'job', label: 'By job' }, { value: 'datastore', label: 'By datastore' }] as const;

export function StatisticsPage() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const range = RANGES.find(({ value }) => value === search.range) ?? RANGES[2];
  const by = oneOf(search.by, ['job', 'datastore'] as const) ?? 'job';
  const metric = oneOf(search.metric, METRICS) ?? 'dedup';
  const { data: datastores } = useDatastores();
  const { data: jobs } = useJobs();
  const query: StatisticsQuery = { since: `${range.value} ago`, bucket: range.bucket, by };
  for (const key of ['project', 'datastore', 'job'] as const) if (search[key] !== undefined) query[key] = search[key];
  const { data, error, refetch, isPlaceholderData } = useStatistics(query);
  const change = (parts: Record<string, string | undefined>) => void navigate({ to: '/statistics', search: (before) => withParts(before, parts), resetScroll: false });
  const projects = [...new Set(jobs?.map(({ job }) => job.project))].sort();
  const filtered = search.project !== undefined || search.datastore !== undefined || search.job !== undefined;
  return (
    <>
      <PageHead title="Statistics"><span className={page.count} role="status">{data !== undefined && runsInWords(data)}</span></PageHead>
      <div className={page.filters}>
        <Segments label="Range" options={RANGES.map(({ value, label }) => ({ value, label }))} value={range.value} onChange={(value) => change({ range: value })} />
        {projects.length !== 1 && <ChoiceSelect label="Project" all="All projects" value={search.project} options={projects} onChange={(project) => change({ project, job: undefined })} />}
        <ChoiceSelect label="Datastore" all="All datastores" value={search.datastore} options={datastores?.map(({ name }) => name) ?? []} onChange={(datastore) => change({ datastore })} />
        <ChoiceSelect
          label="Job" all="All jobs" value={search.job} onChange={(job) => change({ job })}
          options={[...new Set(jobs?.filter(({ job }) => search.project === undefined || job.project === search.project).map(({ job }) => job.name))].sort()}
        />
        {filtered && <Button variant="subtle" color="gray" onClick={() => change({ project: undefined, datastore: undefined, job: undefined })}>Clear</Button>}
      </div>
      {data === undefined ? (
        <Panel title="Metrics">{error === null ? <Loading rows={16} height={24} /> : <Failure error={error} retry={() => void refetch()} />}</Panel>
      ) : (
        <div className={page.stack} data-stale={isPlaceholderData || undefined}>
          <Metrics data={data} metric={metric} choose={(next) => change({ metric: next })} />
          <OverTime data={data} metric={metric} bucket={range.bucket} />
          <Panel title="Parts" flush side={<Segments label="Parts" options={BY} value={by} onChange={(value) => change({ by: value })} />}>
            <Parts data={data} by={by} />
          </Panel>
          <Limits datastores={datastores ?? []} />
          <CommandLine command={`ironcore-backup statistics --since '${range.value} ago' --bucket ${range.bucket} --by ${by}${(['project', 'datastore', 'job'] as const).map((key) => (search[key] === undefined ? '' : ` --${key} ${search[key]}`)).join('')}`} />
        </div>
      )}
    </>
  );
}

function runsInWords({ total: { sums } }: Statistics): string {
  return `${formatCount(sums.runs)} ${sums.runs === 1 ? 'run' : 'runs'} OK or WARNING, ${formatCount(sums.failed)} FAILED, ${formatCount(sums.cancelled)} CANCELLED`;
}

/** A mark is no fault: a first backup finds nothing to deduplicate. */
function Marked({ why }: { why: string | null }) {
  return why === null ? null : <Tag kind="warning" title="Unlike a healthy production backup with daily incrementals; no fault by itself"><IconAlertTriangle size={13} aria-hidden />{why}</Tag>;
}

function Metrics({ data, metric, choose }: { data: Statistics; metric: Metric; choose: (metric: Metric) => void }) {
  return (
    <ul className={classes.metrics} aria-label="Metrics">
      {METRICS.map((each) => (
        <li key={each}>
          <button type="button" aria-pressed={each === metric} onClick={() => choose(each)}>
            <span className={classes.name}>{NAMES[each]}</span>
            <span className={classes.value} data-long={each === 'size' || undefined}>{shown(each, data.total.metrics) ?? '–'}</span>
            <Marked why={markOf(each, data.total.metrics)} />
            <span className={classes.meaning}>{MEANINGS[each]}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Spans are of UTC: written in another zone they would seem to begin in the evening before. */
const HOUR = (at: string) => `${at.slice(5, 10)} ${at.slice(11, 16)}`;
const DAY = (at: string) => at.slice(5, 10);

function OverTime({ data, metric, bucket }: { data: Statistics; metric: Metric; bucket: 'hour' | 'day' | 'week' }) {
  const points = useMemo(() => data.series.map(({ start, figures }) => ({ at: start, values: valuesOf(metric, figures) })), [data, metric]);
  return (
    <Panel title={NAMES[metric]} side={<span className={classes.by}>by {bucket}, UTC</span>}>
      {points.length === 0 ? (
        <Empty icon={<IconChartLine size={21} stroke={1.7} />} title="No run ended in this time">Statistics are made of backups and syncs that ended.</Empty>
      ) : (
        <Chart
          label={`${NAMES[metric]} by ${bucket}`} kind={metric === 'size' || points.length < 3 ? 'bar' : 'line'} points={points} series={SERIES[metric]} format={FORMATS[metric]}
          formatTime={bucket === 'hour' ? HOUR : DAY} bounds={BOUNDS[metric]} height={260}
        />
      )}
    </Panel>
  );
}

type Part = Statistics['parts'][number];

function Parts({ data, by }: { data: Statistics; by: 'job' | 'datastore' }) {
  const columns = useMemo(
    (): Column<Part>[] => [
      {
        id: 'name',
        head: by === 'job' ? 'Job' : 'Datastore',
        lead: true,
        width: '17%',
        cell: ({ project, job, datastore }) => {
          if (datastore != null) return <Link to="/datastores/$name" params={{ name: datastore }}>{datastore}</Link>;
          if (job == null || project == null) return <>by hand<small>{project ?? 'the hub'}</small></>;
          return <><Link to="/jobs/$project/$name" params={{ project, name: job }}>{job}</Link><small>{project}</small></>;
        },
      },
      {
        id: 'runs',
        head: 'Runs',
        width: '6rem',
        end: true,
        cell: ({ figures: { sums } }) => <>{formatCount(sums.runs)}{sums.failed > 0 && <small className={classes.failed}>{formatCount(sums.failed)} FAILED</small>}</>,
      },
      ...METRICS.map((metric): Column<Part> => ({
        id: metric,
        head: metric === 'size' ? 'Pre-encrypt → on disk' : metric === 'dedup' ? 'Dedup. hit rate' : metric === 'transfer' ? 'Transfer rate' : metric === 'read' ? 'Read rate' : 'Compression',
        end: metric !== 'size',
        cell: ({ figures }) => <>{shown(metric, figures.metrics) ?? '–'} <Marked why={markOf(metric, figures.metrics)} /></>,
      })),
    ],
    [by],
  );
  if (data.parts.length === 0) return <Empty icon={<IconChartLine size={21} stroke={1.7} />} title="No run ended in this time" />;
  return <DataTable label={by === 'job' ? 'Metrics by job' : 'Metrics by datastore'} columns={columns} rows={data.parts} rowKey={({ project, job, datastore }) => `${project ?? ''}/${job ?? ''}/${datastore ?? ''}`} />;
}
