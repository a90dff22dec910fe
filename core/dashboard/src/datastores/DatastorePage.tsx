// One datastore: how full it is, was and will be, who uses it, and what looks after it.
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';

import { useDatastores, useUsage } from '../api/datastores';
import { useJobs } from '../api/jobs';
import type { Datastore } from '../api/model';
import { formatBytes, formatCount } from '../format/bytes';
import { oneOf, withParts } from '../format/search';
import { formatTime } from '../format/time';
import { LastResult } from '../jobs/JobParts';
import { datastoresOf, whenOf } from '../jobs/words';
import { useZone } from '../shell/zone';
import { TaskOverlay } from '../tasks/TaskOverlay';
import { Callout } from '../ui/Callout';
import { Chart, type Point } from '../ui/Chart';
import { CommandLine } from '../ui/Copy';
import { DataTable } from '../ui/DataTable';
import { Facts } from '../ui/Facts';
import { Failure, Loading, PageHead, Panel } from '../ui/Panel';
import page from '../ui/Page.module.css';
import { Segments } from '../ui/Segments';
import { TypeLabel } from '../ui/TypeLabel';
import classes from './datastores.module.css';
import { Online } from './DatastoresPage';
import { Fill, Room } from './Room';
import { Upkeep } from './Upkeep';
import { dedupOf, formatRatio } from './words';

const route = getRouteApi('/datastores/$name');
const RANGES = [{ value: '7d', label: '7 days' }, { value: '30d', label: '30 days' }, { value: '90d', label: '90 days' }, { value: '365d', label: 'A year' }] as const;

export function DatastorePage() {
  const { name } = route.useParams();
  const { data, error, refetch } = useDatastores();
  const datastore = data?.find((each) => each.name === name);
  return (
    <>
      <p className={page.crumbs}><Link to="/datastores">Datastores</Link></p>
      <PageHead title={name}>
        {datastore !== undefined && <Online datastore={datastore} />}
        <Link to="/snapshots/$datastore" params={{ datastore: name }} className={`${page.link ?? ''} ${page.right ?? ''}`}>Its snapshots</Link>
      </PageHead>
      {data === undefined && <Panel title="Usage">{error === null ? <Loading rows={12} /> : <Failure error={error} retry={() => void refetch()} />}</Panel>}
      {data !== undefined && datastore === undefined && <Callout kind="warning" title="There is no such datastore"><p>It was taken off the list, or this session does not see it.</p></Callout>}
      {datastore !== undefined && <Body datastore={datastore} />}
      <TaskOverlay />
    </>
  );
}

function Body({ datastore }: { datastore: Datastore }) {
  const { name, usage, projects } = datastore;
  const dedup = dedupOf(datastore);
  return (
    <div className={page.stack}>
      {!datastore.online && (
        <Callout kind="failed" title="It is offline" role="alert">
          <p>{datastore.error?.message ?? 'It cannot be read.'}{datastore.error != null && <> · <code>{datastore.error.code}</code></>}</p>
        </Callout>
      )}
      <Growth datastore={datastore} />
      <Panel title="Contents">
        <Facts
          facts={[
            ['Snapshots', usage == null ? 'not known' : formatCount(usage.snapshots)],
            ['Content of its snapshots', usage == null ? 'not known' : formatBytes(usage.logical_bytes)],
            usage?.unique_bytes == null ? null : ['Distinct chunks', `${formatBytes(usage.unique_bytes)}${usage.chunks == null ? '' : ` in ${formatCount(usage.chunks)}`}`],
            usage?.stored_bytes == null ? null : ['Stored', formatBytes(usage.stored_bytes)],
            ['Deduplication ratio', dedup === null ? 'not known' : formatRatio(dedup)],
            ['Projects', projects.length === 0 ? 'none' : projects.join(', ')],
            ['A verification counts for', datastore.keep_verified],
            ['Tasks at once', datastore.max_running == null ? 'any number' : `${datastore.max_running} at most`],
            datastore.path == null ? null : ['Folder', <code key="path">{datastore.path}</code>],
          ]}
        />
      </Panel>
      <Upkeep datastore={datastore} />
      <Jobs name={name} />
      <CommandLine command={`ironcore-backup datastore usage ${name}`} />
    </div>
  );
}

function Growth({ datastore }: { datastore: Datastore }) {
  const search = route.useSearch();
  const navigate = useNavigate();
  const { zone } = useZone();
  const range = oneOf(search.range, RANGES.map(({ value }) => value)) ?? '30d';
  const { data, error, refetch } = useUsage(datastore.name, `${range} ago`);
  const points = useMemo(() => thin(data?.samples.map(({ at, used_bytes }): Point => ({ at, values: [used_bytes] })) ?? []), [data]);
  return (
    <Panel
      title="Usage"
      side={<Segments label="Range" options={RANGES} value={range} onChange={(next) => void navigate({ to: '.', search: (before: Record<string, unknown>) => withParts(before, { range: next }), resetScroll: false })} />}
    >
      <div className={page.stack}>
        <dl className={classes.figures}>
          <div><dt>Used where it lies</dt><dd><Room datastore={datastore} /></dd></div>
          <div><dt>Projected to be full</dt><dd><Fill usage={data} /></dd></div>
          {data?.projection?.bytes_per_day != null && <div><dt>Growth a day</dt><dd>{data.projection.bytes_per_day < 0 ? `−${formatBytes(-data.projection.bytes_per_day)}` : formatBytes(data.projection.bytes_per_day)}<small>over the last 30 days</small></dd></div>}
        </dl>
        {data === undefined ? (
          error === null ? <Loading rows={10} /> : <Failure error={error} retry={() => void refetch()} />
        ) : points.length < 2 ? (
          <div className={classes.empty} style={{ height: 240 }}>{data.projection == null ? data.fill : 'There are not enough samples yet: one is taken each hour.'}</div>
        ) : (
          <Chart label={`Bytes used where ${datastore.name} lies`} kind="area" points={points} series={USED} format={formatBytes} formatTime={(at) => formatTime(at, zone).slice(5, range === '7d' ? 16 : 10)} />
        )}
      </div>
    </Panel>
  );
}

const USED = [{ name: 'Used', color: 'var(--bar)' }];
/** More points than these are no longer told apart in a drawing. */
const MOST = 400;

function thin(points: Point[]): Point[] {
  const step = Math.ceil(points.length / MOST);
  // The newest one is always there.
  return step < 2 ? points : points.filter((_, at) => (points.length - 1 - at) % step === 0);
}

function Jobs({ name }: { name: string }) {
  const { data } = useJobs();
  const jobs = data?.filter(({ job }) => datastoresOf(job.task).includes(name)) ?? [];
  return (
    <Panel title="Jobs that use it" count={jobs.length} flush>
      {jobs.length === 0 ? (
        <p className={page.pad}>{data === undefined ? 'Loading …' : 'No job uses it.'}</p>
      ) : (
        <DataTable
          label="Jobs that use it" rows={jobs} rowKey={({ job }) => `${job.project}/${job.name}`} cardsBelow="narrow"
          columns={[
            { id: 'job', head: 'Job', lead: true, cell: ({ job }) => <><Link to="/jobs/$project/$name" params={{ project: job.project, name: job.name }}>{job.name}</Link><small>{job.project}</small></> },
            { id: 'type', head: 'Type', width: '8rem', cell: ({ job }) => <TypeLabel type={job.task.type} /> },
            { id: 'when', head: 'Schedule', width: '40%', cell: ({ job }) => whenOf(job) },
            { id: 'last', head: 'Last result', width: '10rem', cell: ({ last }) => <LastResult task={last ?? null} /> },
          ]}
        />
      )}
    </Panel>
  );
}
