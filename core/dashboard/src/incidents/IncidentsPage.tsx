// Incidents: trouble of one cause, from its first event to its end. A panel over the list shows one in full.
import { SegmentedControl } from '@mantine/core';
import { getRouteApi, Link, Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { IconCircleCheck, IconFilterOff } from '@tabler/icons-react';
import { useMemo } from 'react';

import { useIncidents } from '../api/incidents';
import { formatCount } from '../format/bytes';
import bar from '../tasks/FilterBar.module.css';
import { CommandLine } from '../ui/Copy';
import { More } from '../ui/More';
import { Empty, Failure, Loading, PageHead } from '../ui/Panel';
import { ProjectFilter } from '../ui/ProjectFilter';
import { IncidentList } from './IncidentList';
import { IncidentPanel } from './IncidentPanel';
import classes from './IncidentsPage.module.css';
import { INCIDENT_SHOWS, type IncidentSearch, readIncidentSearch, toIncidentCommand } from './search';

const route = getRouteApi('/incidents');
const panelRoute = getRouteApi('/incidents/$id');

const SHOWN = [
  { value: 'lasting', label: 'Lasting' },
  { value: 'open', label: 'Open' },
  { value: 'acknowledged', label: 'Acknowledged' },
  { value: 'ended', label: 'Ended' },
  { value: 'all', label: 'All' },
];

export function IncidentsPage() {
  const search = route.useSearch();
  const { id } = useParams({ strict: false });
  const navigate = useNavigate();
  const list = useIncidents(search);
  const incidents = useMemo(() => {
    const all = list.data?.pages.flatMap((page) => page.incidents) ?? [];
    return [...new Map(all.map((incident) => [incident.id, incident])).values()];
  }, [list.data]);
  const first = list.data?.pages[0];
  const change = (next: IncidentSearch) => void navigate({ to: '/incidents', search: next, resetScroll: false });

  return (
    <>
      <PageHead title="Incidents">
        <span className={classes.count} role="status">
          {first !== undefined && `${formatCount(first.count)}${first.count_capped ? '+' : ''} ${first.count === 1 ? 'incident' : 'incidents'}`}
        </span>
      </PageHead>
      <search className={bar.bar}>
        <SegmentedControl
          aria-label="Which incidents" className={classes.show} size="sm" data={SHOWN} value={search.show ?? 'lasting'}
          onChange={(value) => change(readIncidentSearch({ ...search, show: INCIDENT_SHOWS.find((each) => each === value) }))}
        />
        <ProjectFilter any="Every project, and the hub" value={search.project} onChange={(project) => change(readIncidentSearch({ ...search, project }))} />
      </search>
      <section className={classes.frame} aria-label="Incidents" data-stale={list.isPlaceholderData || undefined}>
        {list.data === undefined && (
          <div className={classes.pad}>
            {list.error === null ? <Loading rows={8} height={44} /> : <Failure error={list.error} retry={() => void list.refetch()} />}
          </div>
        )}
        {list.data !== undefined && incidents.length === 0 && <Nothing search={search} />}
        {incidents.length > 0 && <IncidentList incidents={incidents} selected={id} />}
        <More list={list} />
      </section>
      <CommandLine command={toIncidentCommand(search)} />
      <Outlet />
    </>
  );
}

function Nothing({ search }: { search: IncidentSearch }) {
  if (search.show === undefined && search.project === undefined) {
    return (
      <Empty icon={<IconCircleCheck size={22} stroke={1.7} />} title="Nothing is wrong">
        No trouble lasts. <Link to="/incidents" search={{ show: 'all' }} className={classes.link}>Look at what is over</Link>
      </Empty>
    );
  }
  return (
    <Empty icon={<IconFilterOff size={21} stroke={1.7} />} title="No incident matches these filters">
      <Link to="/incidents" search={{}} className={classes.link}>Show those that last</Link>
    </Empty>
  );
}

/** The panel at an incident's own address. */
export function IncidentRoutePanel() {
  const { id } = panelRoute.useParams();
  const navigate = useNavigate();
  return <IncidentPanel key={id} id={id} onClose={() => void navigate({ to: '/incidents', search: (search: Record<string, unknown>) => readIncidentSearch(search), resetScroll: false })} />;
}
