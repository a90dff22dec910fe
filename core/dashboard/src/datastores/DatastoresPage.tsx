// Every datastore: whether it can be used, how full it is, and when it will be full.
import { Link } from '@tanstack/react-router';
import { IconDatabase } from '@tabler/icons-react';

import { useDatastores, useUsages } from '../api/datastores';
import type { Datastore, UsageHistory } from '../api/model';
import { formatCount } from '../format/bytes';
import { TaskOverlay } from '../tasks/TaskOverlay';
import { CommandLine } from '../ui/Copy';
import { type Column, DataTable } from '../ui/DataTable';
import { Empty, Failure, Loading, PageHead } from '../ui/Panel';
import page from '../ui/Page.module.css';
import { Tag } from '../ui/Tag';
import { Bytes } from '../ui/Time';
import { Fill, Room } from './Room';
import { dedupOf, formatRatio } from './words';

interface Row {
  datastore: Datastore;
  usage: UsageHistory | undefined;
}

const COLUMNS: Column<Row>[] = [
  {
    id: 'name',
    head: 'Datastore',
    lead: true,
    width: '16%',
    cell: ({ datastore }) => (
      <>
        <Link to="/datastores/$name" params={{ name: datastore.name }}>{datastore.name}</Link>
        <small>{datastore.projects.length === 0 ? 'no project' : datastore.projects.join(', ')}</small>
      </>
    ),
  },
  { id: 'state', head: 'Status', width: '7rem', cell: ({ datastore }) => <Online datastore={datastore} /> },
  { id: 'room', head: 'Used where it lies', width: '22%', cell: ({ datastore }) => <Room datastore={datastore} /> },
  { id: 'fill', head: 'Full on', width: '11rem', cell: ({ usage }) => <Fill usage={usage} /> },
  { id: 'stored', head: 'Stored', width: '7rem', end: true, cell: ({ datastore: { usage } }) => (usage?.stored_bytes == null ? '–' : <Bytes value={usage.stored_bytes} />) },
  {
    id: 'dedup',
    head: 'Deduplication',
    width: '7.5rem',
    end: true,
    cell: ({ datastore }) => {
      const ratio = dedupOf(datastore);
      return ratio === null ? '–' : formatRatio(ratio);
    },
  },
  {
    id: 'snapshots',
    head: 'Snapshots',
    width: '7rem',
    end: true,
    cell: ({ datastore: { name, usage } }) => <Link to="/snapshots/$datastore" params={{ datastore: name }}>{usage == null ? 'show' : formatCount(usage.snapshots)}</Link>,
  },
];

export function Online({ datastore: { online, error } }: { datastore: Datastore }) {
  return online ? <Tag kind="ok">online</Tag> : <><Tag kind="failed">offline</Tag>{error != null && <small>{error.message}</small>}</>;
}

export function DatastoresPage() {
  const { data, error, refetch } = useDatastores();
  const usages = useUsages(data?.map(({ name }) => name) ?? []);
  const rows = data?.map((datastore): Row => ({ datastore, usage: usages.get(datastore.name) })) ?? [];
  return (
    <>
      <PageHead title="Datastores" />
      <section className={page.frame} aria-label="Datastores">
        {data === undefined && <div className={page.pad}>{error === null ? <Loading rows={6} height={30} /> : <Failure error={error} retry={() => void refetch()} />}</div>}
        {data?.length === 0 && (
          <Empty icon={<IconDatabase size={21} stroke={1.7} />} title="There are no datastores yet">
            An administrator makes one with <code>ironcore-backup datastore create NAME PATH</code>.
          </Empty>
        )}
        {rows.length > 0 && <DataTable label="Datastores" columns={COLUMNS} rows={rows} rowKey={({ datastore }) => datastore.name} />}
      </section>
      <CommandLine command="ironcore-backup datastore list" />
      <TaskOverlay />
    </>
  );
}
