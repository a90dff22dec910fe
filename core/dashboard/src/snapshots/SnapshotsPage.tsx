// The snapshots of a datastore as a tree: workloads, and under each its points in time with their verification.
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { getRouteApi, Link, Navigate, useNavigate } from '@tanstack/react-router';
import { IconDatabaseOff, IconFilterOff, IconSearch, IconStack2 } from '@tabler/icons-react';
import { useMemo, useState } from 'react';

import { useDatastores, useSnapshots } from '../api/datastores';
import { formatCount } from '../format/bytes';
import { oneOf, withParts } from '../format/search';
import { TaskOverlay } from '../tasks/TaskOverlay';
import { CommandLine } from '../ui/Copy';
import { More } from '../ui/More';
import { Empty, Failure, Loading, PageHead } from '../ui/Panel';
import page from '../ui/Page.module.css';
import { toTree } from './tree';
import { Tree } from './Tree';

const route = getRouteApi('/snapshots/$datastore');
const PAGE = 500;

/** Without a datastore in the address, the one with the most snapshots is shown. */
export function AnySnapshots() {
  const { data, error, refetch } = useDatastores();
  const first = data?.toSorted((a, b) => (b.usage?.snapshots ?? 0) - (a.usage?.snapshots ?? 0))[0];
  if (first !== undefined) return <Navigate to="/snapshots/$datastore" params={{ datastore: first.name }} replace />;
  return (
    <>
      <PageHead title="Snapshots" />
      <section className={page.frame} aria-label="Snapshots">
        {data === undefined ? (
          <div className={page.pad}>{error === null ? <Loading rows={10} /> : <Failure error={error} retry={() => void refetch()} />}</div>
        ) : (
          <Empty icon={<IconDatabaseOff size={21} stroke={1.7} />} title="There are no datastores yet">An administrator makes them; snapshots of backups will be listed here.</Empty>
        )}
      </section>
    </>
  );
}

export function SnapshotsPage() {
  const { datastore } = route.useParams();
  const search = route.useSearch();
  const navigate = useNavigate();
  const { data: datastores } = useDatastores();
  const type = oneOf(search.type, ['vm', 'ct', 'host'] as const);
  const list = useSnapshots(datastore, { text: search.text, type }, PAGE);
  const snapshots = useMemo(() => list.data?.pages.flatMap((each) => each.snapshots) ?? [], [list.data]);
  const tree = useMemo(() => toTree(snapshots), [snapshots]);
  const change = (parts: Record<string, string | undefined>, replace = false) =>
    void navigate({ to: '/snapshots/$datastore', params: { datastore }, search: (before) => withParts(before, parts), resetScroll: false, replace });
  const count = list.data?.pages[0]?.count;
  const names = datastores?.map(({ name }) => name) ?? [datastore];
  const filtered = search.text !== undefined || type !== undefined;
  return (
    <>
      <PageHead title="Snapshots">
        <span className={page.count} role="status">{count !== undefined && `${formatCount(count)} in ${datastore}`}</span>
      </PageHead>
      <div className={page.filters}>
        <NativeSelect
          aria-label="Datastore" value={datastore} data={names.includes(datastore) ? names : [datastore, ...names]}
          onChange={(event) => void navigate({ to: '/snapshots/$datastore', params: { datastore: event.currentTarget.value }, search: withParts(search, { open: undefined }) })}
        />
        <NativeSelect
          aria-label="Type" value={type ?? ''} onChange={(event) => change({ type: event.currentTarget.value })}
          data={[{ value: '', label: 'All types' }, { value: 'vm', label: 'vm' }, { value: 'ct', label: 'ct' }, { value: 'host', label: 'host' }]}
        />
        <SearchField key={datastore} value={search.text ?? ''} onChange={(text) => change({ text }, true)} />
        {filtered && <Button variant="subtle" color="gray" onClick={() => change({ text: undefined, type: undefined })}>Clear</Button>}
        <Link to="/datastores/$name" params={{ name: datastore }} className={`${page.link ?? ''} ${page.right ?? ''}`}>About {datastore}</Link>
      </div>
      <section className={page.frame} aria-label="Snapshots">
        {list.data === undefined && <div className={page.pad}>{list.error === null ? <Loading rows={12} height={22} /> : <Failure error={list.error} retry={() => void list.refetch()} />}</div>}
        {list.data !== undefined && tree.length === 0 && (filtered ? (
          <Empty icon={<IconFilterOff size={21} stroke={1.7} />} title="No snapshot matches these filters" />
        ) : (
          <Empty icon={<IconStack2 size={21} stroke={1.7} />} title={`There are no snapshots in ${datastore}`}>
            The first backup or sync to it makes one. <Link to="/jobs" search={{ text: datastore }}>Jobs of this datastore</Link>
          </Empty>
        ))}
        {tree.length > 0 && <Tree tree={tree} open={search.open} onOpen={(open) => change({ open }, true)} />}
        <More list={list} left={(count ?? 0) - snapshots.length} />
      </section>
      <CommandLine command={`ironcore-backup snapshot list ${datastore}`} />
      <TaskOverlay />
    </>
  );
}

/** Applied when typing pauses. */
function SearchField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [draft, setDraft] = useState(value);
  const [known, setKnown] = useState(value);
  const apply = useDebouncedCallback(onChange, 350);
  if (known !== value) {
    setKnown(value);
    if (value === '') setDraft('');
  }
  return (
    <TextInput
      className={page.search ?? ''} aria-label="Search" placeholder="Path or notes" leftSection={<IconSearch size={16} stroke={1.7} />} value={draft} spellCheck={false}
      onChange={(event) => {
        setDraft(event.currentTarget.value);
        apply(event.currentTarget.value.trim());
      }}
    />
  );
}
