// One headline: all protected, or what needs attention.
import { Skeleton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { IconAlertTriangle, IconChevronRight, IconShieldCheck, IconShieldOff, IconShieldX } from '@tabler/icons-react';
import type { ReactNode } from 'react';

import { useDatastores } from '../api/datastores';
import { useOpenIncidents, useStatus, useWorkers } from '../api/hub';
import { useJobs } from '../api/jobs';
import { calm, type Concern, concernsOf } from './headline';
import classes from './overview.module.css';

/** More concerns than these are counted. */
const SHOWN = 6;

export function Headline() {
  const jobs = useJobs();
  const incidents = useOpenIncidents();
  const datastores = useDatastores();
  const status = useStatus();
  const workers = useWorkers();
  const all = [jobs, incidents, datastores, status, workers];
  if (jobs.data === undefined || incidents.data === undefined || datastores.data === undefined || status.data === undefined || workers.data === undefined) {
    const error = all.find((each) => each.error !== null)?.error ?? null;
    return (
      <section className={classes.headline} data-kind="quiet" aria-label="State">
        {error === null ? (
          <Skeleton height={28} width={260} radius="sm" />
        ) : (
          <div><h2>It is not known whether all is protected</h2><p>{error.message}</p></div>
        )}
      </section>
    );
  }
  const known = { jobs: jobs.data, incidents: incidents.data.incidents, datastores: datastores.data, status: status.data, workers: workers.data };
  const concerns = concernsOf(known);
  if (concerns.length === 0) {
    const { title, text, empty } = calm(known);
    const Sign = empty ? IconShieldOff : IconShieldCheck;
    return (
      <section className={classes.headline} data-kind={empty ? 'quiet' : 'ok'} aria-label="State">
        <Sign size={26} stroke={1.7} aria-hidden />
        <div role="status"><h2>{title}</h2><p>{text}</p></div>
      </section>
    );
  }
  const bad = concerns.some(({ kind }) => kind === 'failed');
  const Sign = bad ? IconShieldX : IconAlertTriangle;
  return (
    <section className={classes.headline} data-kind={bad ? 'failed' : 'warning'} aria-label="State">
      <Sign size={26} stroke={1.7} aria-hidden />
      <div role="status">
        <h2>{concerns.length === 1 ? 'One thing needs attention' : `${concerns.length} things need attention`}</h2>
        <ul>
          {concerns.slice(0, SHOWN).map((concern) => <li key={concern.text}><To concern={concern}>{concern.text}</To></li>)}
          {concerns.length > SHOWN && <li>and {concerns.length - SHOWN} more</li>}
        </ul>
      </div>
    </section>
  );
}

function To({ concern: { to }, children }: { concern: Concern; children: ReactNode }) {
  const inner = <>{children} {to !== null && <IconChevronRight size={14} aria-hidden />}</>;
  if (to === null) return inner;
  switch (to.page) {
    case '/workers':
      return <Link to="/workers">{inner}</Link>;
    case '/jobs':
      return <Link to="/jobs" search={to.search}>{inner}</Link>;
    case '/jobs/$project/$name':
      return <Link to="/jobs/$project/$name" params={{ project: to.project, name: to.name }}>{inner}</Link>;
    case '/snapshots/$datastore':
      return <Link to="/snapshots/$datastore" params={{ datastore: to.name }}>{inner}</Link>;
    case '/datastores/$name':
      return <Link to="/datastores/$name" params={{ name: to.name }}>{inner}</Link>;
  }
}
