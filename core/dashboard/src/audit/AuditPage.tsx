// Who changed what, from where: as it was, and as it is.
import { Button } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { IconFilterOff, IconHistory, IconTarget, IconUser, IconX } from '@tabler/icons-react';
import { useMemo } from 'react';

import { useAudit } from '../api/access';
import type { AuditEntry } from '../api/model';
import { TextFilter } from '../tasks/FilterBar';
import bar from '../tasks/FilterBar.module.css';
import { RangeFilter } from '../tasks/FilterMenu';
import { CommandLine } from '../ui/Copy';
import { type Column, DataTable } from '../ui/DataTable';
import { More } from '../ui/More';
import { OneFilter } from '../ui/OneFilter';
import { OnlyWith } from '../ui/OnlyWith';
import page from '../ui/Page.module.css';
import { Empty, Failure, Loading, PageHead } from '../ui/Panel';
import { Time } from '../ui/Time';
import classes from './audit.module.css';
import { Differences } from './Differences';
import { type AuditSearch, countAuditFilters, readAuditSearch, toAuditCommand } from './search';
import { doneInWords, KINDS, splitObject } from './words';

const route = getRouteApi('/audit');

function What({ object }: { object: string }) {
  const { kind, name } = splitObject(object);
  if (kind === 'user') return <Link to="/access" search={{ user: name }}>{name}</Link>;
  if (kind === 'role') return <Link to="/access/roles">{name}</Link>;
  if (kind === 'token') return <Link to="/access/tokens" search={{ over: 'yes' }}>{name}</Link>;
  return object;
}

const COLUMNS: Column<AuditEntry>[] = [
  { id: 'time', head: 'Time', width: '11.5rem', cell: ({ time }) => <Time at={time} /> },
  {
    id: 'who', head: 'Who', width: '17%',
    cell: ({ user, address }) => <>{user}{address != null && <small>from {address}</small>}</>,
  },
  {
    id: 'what', head: 'Change', lead: true, width: '27%',
    cell: ({ action, object, request }) => <>{doneInWords(action)} <What object={object} /><small title={request == null ? undefined : `request ${request}`}>{action}{request != null && `, request ${request}`}</small></>,
  },
  { id: 'diff', head: 'Before and after', wide: true, cell: ({ before, after }) => <Differences before={before} after={after} /> },
];

export function AuditPage() {
  return (
    <>
      <PageHead title="Audit"><span className={page.count}>Changes of users, roles, grants and tokens, kept for three years</span></PageHead>
      <OnlyWith right="read-access"><Changes /></OnlyWith>
    </>
  );
}

function Changes() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const list = useAudit(search);
  const entries = useMemo(() => [...new Map(list.data?.pages.flatMap((each) => each.entries).map((entry) => [entry.number, entry])).values()], [list.data]);
  const filtered = countAuditFilters(search) > 0;
  const go = (next: AuditSearch) => void navigate({ to: '/audit', search: next, resetScroll: false });
  const change = (part: { [K in keyof AuditSearch]: AuditSearch[K] | undefined }) => go(readAuditSearch({ ...search, ...part }));
  return (
    <>
      <search className={bar.bar}>
        <RangeFilter since={search.since} until={search.until} onChange={(since, until) => change({ since, until })} />
        <OneFilter label="Of" any="Everything" options={KINDS} value={KINDS.find(({ value }) => value === search.object)?.value} onChange={(object) => change({ object })} />
        <TextFilter label="User or token" icon={<IconUser size={16} stroke={1.7} />} value={search.user ?? ''} onChange={(user) => change({ user })} options={[...new Set(entries.map(({ user }) => user))]} />
        <TextFilter label="Object, such as role/NAME" wide icon={<IconTarget size={16} stroke={1.7} />} value={search.object ?? ''} onChange={(object) => change({ object })} options={[...new Set(entries.map(({ object }) => object))]} />
        {filtered && <Button variant="subtle" color="gray" leftSection={<IconX size={15} aria-hidden />} onClick={() => go({})}>Clear</Button>}
      </search>
      <section className={`${page.frame ?? ''} ${classes.frame ?? ''}`} aria-label="Changes">
        {list.data === undefined && <div className={page.pad}>{list.error === null ? <Loading rows={12} height={38} /> : <Failure error={list.error} retry={() => void list.refetch()} />}</div>}
        {list.data !== undefined && entries.length === 0 && (filtered ? (
          <Empty icon={<IconFilterOff size={21} stroke={1.7} />} title="No change matches these filters"><Button variant="default" size="xs" mt={6} onClick={() => go({})}>Clear filters</Button></Empty>
        ) : (
          <Empty icon={<IconHistory size={21} stroke={1.7} />} title="Nothing was changed yet">Each change of users, roles, grants and tokens will be listed here.</Empty>
        ))}
        {entries.length > 0 && <DataTable label="Changes" columns={COLUMNS} rows={entries} rowKey={({ number }) => String(number)} all />}
        <More list={list} />
      </section>
      <CommandLine command={toAuditCommand(search)} />
    </>
  );
}
