// Who is told of an event and who is not, each with what decides. The question stands in the address.
import { Button, NativeSelect, SegmentedControl, TextInput } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { IconHelpCircle } from '@tabler/icons-react';
import { type SubmitEvent, useState } from 'react';

import { EVENT_TYPES, SEVERITIES, SHOWN, TASK_TYPES } from '../api/model';
import { useExplain, useProjectNames } from '../api/notifications';
import { useSession } from '../api/rights';
import { fromZoned, toZoned } from '../format/time';
import { useZone } from '../shell/zone';
import { CommandLine } from '../ui/Copy';
import { Empty, Failure, Loading, Panel } from '../ui/Panel';
import { ExplainAnswerView } from './ExplainAnswer';
import { type ExplainSearch, readExplainSearch, toExplainCommand, toExplainRequest } from './explainSearch';
import classes from './ExplainTab.module.css';

const route = getRouteApi('/notifications/explain');

export function ExplainTab() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const [now] = useState(() => Date.now());
  const { data, error, refetch, isFetching } = useExplain(toExplainRequest(search, now));
  const asked = search.event !== undefined || search.type !== undefined;
  const command = toExplainCommand(search);
  const ask = (next: ExplainSearch) => {
    const same = JSON.stringify(next) === JSON.stringify(search);
    if (same) void refetch();
    else void navigate({ to: '/notifications/explain', search: next, resetScroll: false });
  };
  return (
    <div className={classes.stack}>
      <Panel title="Which event"><Question key={JSON.stringify(search)} search={search} busy={isFetching} onAsk={ask} /></Panel>
      {!asked && <Empty icon={<IconHelpCircle size={22} stroke={1.7} />} title="Ask about an event">Every handler is listed, with whether it is told and what decides. Nothing is sent.</Empty>}
      {asked && data === undefined && (error === null ? <Loading rows={6} height={44} /> : <Failure error={error} retry={() => void refetch()} />)}
      {asked && data !== undefined && <ExplainAnswerView answer={data} madeUp={search.event === undefined} />}
      {asked && data !== undefined && search.event !== undefined && (
        <p className={classes.note}>As things are declared now. <Link to="/notifications/messages" search={{ event: search.event }}>Messages that were made about it</Link></p>
      )}
      {command !== null && <CommandLine command={command} />}
    </div>
  );
}

function Question({ search, busy, onAsk }: { search: ExplainSearch; busy: boolean; onAsk: (search: ExplainSearch) => void }) {
  const { zone } = useZone();
  const session = useSession();
  const projects = useProjectNames();
  const [kind, setKind] = useState(search.event === undefined && search.type !== undefined ? 'made-up' : 'event');
  const [event, setEvent] = useState(search.event ?? '');
  const [made, setMade] = useState<ExplainSearch>({ type: 'task.failed', ...search });
  const set = (part: Partial<Record<keyof ExplainSearch, string>>) => setMade({ ...made, ...part });
  const submit = (submitted: SubmitEvent) => {
    submitted.preventDefault();
    if (kind === 'event') {
      if (event.trim() !== '') onAsk({ event: event.trim() });
    } else onAsk(readExplainSearch({ project: session?.project ?? undefined, ...made, event: undefined }));
  };
  const any = { value: '', label: 'as usual' };
  return (
    <form onSubmit={submit} className={classes.form}>
      <SegmentedControl className={classes.kind ?? ''} size="sm" aria-label="Which kind of event" value={kind} onChange={setKind} data={[{ value: 'event', label: 'One that happened' }, { value: 'made-up', label: 'A made-up one' }]} />
      {kind === 'event' ? (
        <TextInput className={classes.wide ?? ''} label="Event id" description="It stands on each entry of the inbox." value={event} spellCheck={false} autoComplete="off" onChange={(change) => setEvent(change.currentTarget.value)} />
      ) : (
        <>
          <NativeSelect label="Event" value={made.type ?? ''} data={[...EVENT_TYPES]} onChange={(change) => set({ type: change.currentTarget.value })} />
          {session?.project == null && <NativeSelect label="Project" value={made.project ?? ''} data={[{ value: '', label: 'none: the hub’s own' }, ...projects]} onChange={(change) => set({ project: change.currentTarget.value })} />}
          <TextInput label="Job" value={made.job ?? ''} spellCheck={false} autoComplete="off" onChange={(change) => set({ job: change.currentTarget.value })} />
          <TextInput label="Datastore" value={made.datastore ?? ''} spellCheck={false} autoComplete="off" onChange={(change) => set({ datastore: change.currentTarget.value })} />
          <NativeSelect label="Task type" value={made.task ?? ''} data={[any, ...TASK_TYPES]} onChange={(change) => set({ task: change.currentTarget.value })} />
          <NativeSelect label="Severity" value={made.severity ?? ''} data={[any, ...SEVERITIES]} onChange={(change) => set({ severity: change.currentTarget.value })} />
          <NativeSelect label="The run before ended" value={made.before ?? ''} data={[{ value: '', label: 'not said' }, ...(['ok', 'warning', 'failed', 'cancelled'] as const).map((value) => ({ value, label: SHOWN[value] }))]} onChange={(change) => set({ before: change.currentTarget.value })} />
          <TextInput label="Error code" placeholder="datastore.full" value={made.code ?? ''} spellCheck={false} autoComplete="off" onChange={(change) => set({ code: change.currentTarget.value })} />
          <TextInput type="datetime-local" label={`At (${zone}); now when empty`} value={made.at === undefined || made.at === '' ? '' : toZoned(made.at, zone)} onChange={(change) => set({ at: fromZoned(change.currentTarget.value, zone) ?? '' })} />
        </>
      )}
      <div className={classes.wide}><Button type="submit" loading={busy} disabled={kind === 'event' && event.trim() === ''}>Explain</Button></div>
    </form>
  );
}
