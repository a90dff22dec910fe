// The calendar: what ran, what is planned and what was missed, by month, by week, or as a heat map of the last half year.
import { ActionIcon, Button, NativeSelect } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useMemo } from 'react';

import { useProjects } from '../api/jobs';
import { withParts } from '../format/search';
import { useZone } from '../shell/zone';
import { TaskOverlay } from '../tasks/TaskOverlay';
import { Callout } from '../ui/Callout';
import { useNow } from '../ui/now';
import { Failure, Loading, PageHead } from '../ui/Panel';
import page from '../ui/Page.module.css';
import { Segments } from '../ui/Segments';
import classes from './calendar.module.css';
import { collect } from './collect';
import { addDays, dayOf, monthDays, monthName, monthStart, weekDays } from './days';
import { HeatMap } from './HeatMap';
import { Month } from './Month';
import type { View } from './routes';
import { useCalendar } from './useCalendar';
import { Week } from './Week';

const route = getRouteApi('/calendar');
const VIEWS: readonly { value: View; label: string }[] = [{ value: 'month', label: 'Month' }, { value: 'week', label: 'Week' }, { value: 'heat', label: 'Heat map' }];

export function CalendarPage() {
  const search = route.useSearch();
  const view = search.view ?? 'month';
  const { zone } = useZone();
  const now = useNow();
  const today = dayOf(new Date(now).toISOString(), zone);
  const day = search.day ?? today;
  const navigate = useNavigate();
  const { data: projects } = useProjects();
  const change = (parts: Record<string, string | undefined>) => void navigate({ to: '/calendar', search: (before) => withParts(before, parts), resetScroll: false });
  const step = (by: number) => (view === 'week' ? addDays(day, 7 * by) : monthStart(day, by));
  const days = view === 'week' ? weekDays(day) : [];
  return (
    <>
      <PageHead title="Calendar">
        <span className={page.count}>{view === 'heat' ? 'the last half year' : view === 'week' ? `${days[0] ?? ''} to ${days.at(-1) ?? ''}` : monthName(day)}</span>
      </PageHead>
      <div className={page.filters}>
        <Segments label="View" options={VIEWS} value={view} onChange={(next) => change({ view: next })} />
        {view !== 'heat' && (
          <div className={classes.steps}>
            <ActionIcon variant="default" size="lg" aria-label={`Previous ${view}`} onClick={() => change({ day: step(-1) })}><IconChevronLeft size={17} /></ActionIcon>
            <Button variant="default" size="sm" onClick={() => change({ day: undefined })}>Today</Button>
            <ActionIcon variant="default" size="lg" aria-label={`Next ${view}`} onClick={() => change({ day: step(1) })}><IconChevronRight size={17} /></ActionIcon>
          </div>
        )}
        {projects?.length !== 1 && (
          <NativeSelect
            className={page.right ?? ''} aria-label="Project" value={search.project ?? ''} onChange={(event) => change({ project: event.currentTarget.value })}
            data={[{ value: '', label: 'All projects' }, ...(projects ?? []).map(({ name }) => ({ value: name, label: name }))]}
          />
        )}
      </div>
      {view === 'heat' ? (
        <section className={page.frame} aria-label="Heat map of the last half year"><HeatMap project={search.project} now={now} /></section>
      ) : (
        <Span key={view} view={view} day={day} today={today} now={now} project={search.project} />
      )}
      <TaskOverlay />
    </>
  );
}

function Span({ view, day, today, now, project }: { view: 'month' | 'week'; day: string; today: string; now: number; project: string | undefined }) {
  const { zone } = useZone();
  const days = view === 'week' ? weekDays(day) : monthDays(day);
  const { happened, error, retry, complete, cut, stale } = useCalendar(days[0] ?? day, days.at(-1) ?? day, zone, now, project);
  const entries = useMemo(() => (happened === null ? new Map<string, never>() : collect(happened, zone)), [happened, zone]);
  return (
    <>
      {!complete && (
        <div className={classes.note}>
          <Callout kind="quiet">
            <p>
              {view === 'week' ? 'More than 1,000 tasks began in this week: by job, only those are shown that went wrong or are not over.' : 'More than 1,000 tasks began in this month: those that went well are counted by the hour in which they ended.'}
              {cut && ' Of those that went wrong, the newest 1,000 are shown.'} <Link to="/tasks">All tasks</Link>
            </p>
          </Callout>
        </div>
      )}
      {error !== null && happened !== null && <div className={classes.note}><Callout kind="warning" title="Not all could be asked for"><p>{error.message}</p></Callout></div>}
      <section className={page.frame} aria-label={view === 'week' ? 'Week' : 'Month'} data-stale={stale || undefined}>
        {happened === null ? (
          <div className={classes.loading}>{error === null ? <Loading rows={14} height={26} /> : <Failure error={error} retry={retry} />}</div>
        ) : view === 'week' ? (
          <Week day={day} today={today} happened={happened} project={project} />
        ) : (
          <Month day={day} today={today} entries={entries} project={project} />
        )}
      </section>
      <p className={classes.faint}>Planned are the next five runs of each job. Tasks stand on the day on which they began, in {zone}.</p>
    </>
  );
}
