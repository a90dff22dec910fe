// When nobody is to be told: silences, and maintenance windows that come again.
import { Button, Switch } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { IconBellOff, IconCalendarRepeat, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';

import { useEndSilence, useMaintenance, useRemoveMaintenance, useSilences } from '../api/notifications';
import type { MaintenanceView, Matchers, Silence } from '../api/model';
import { refusal, useSession } from '../api/rights';
import { Ask } from '../ui/Ask';
import { CommandLine } from '../ui/Copy';
import { Empty, Failure, Loading, Panel } from '../ui/Panel';
import { Tag } from '../ui/Severity';
import { Time } from '../ui/Time';
import { tellDone } from '../ui/Trouble';
import { MaintenanceForm } from './MaintenanceForm';
import { SilenceForm } from './SilenceForm';
import classes from './SilencesTab.module.css';
import { lowerFirst, matchersInWords } from './words';

const route = getRouteApi('/notifications/silences');

export function SilencesTab() {
  const { over } = route.useSearch();
  const navigate = useNavigate();
  const session = useSession();
  const silences = useSilences(over !== undefined);
  const windows = useMaintenance();
  const [making, setMaking] = useState<'silence' | 'window' | null>(null);
  const [ending, setEnding] = useState<Silence | null>(null);
  const [removing, setRemoving] = useState<MaintenanceView | null>(null);
  const noSilence = refusal(session, 'silence');
  const noWindow = refusal(session, 'configure');
  const overSwitch = (
    <Switch size="xs" label="Those that are over too" checked={over !== undefined} onChange={(event) => void navigate({ to: '/notifications/silences', search: event.currentTarget.checked ? { over: 'yes' } : {}, resetScroll: false })} />
  );
  return (
    <>
      <p className={classes.note}>What is silenced is not told outside. Every event still happens, and shows in the inbox. What still lasts when it is over is told then, once.{noSilence !== null && ` To make and end silences: ${lowerFirst(noSilence)}`}{noSilence === null && noWindow !== null && ` To declare and remove windows: ${lowerFirst(noWindow)}`}</p>
      <div className={classes.stack}>
        <Panel
          title="Silences" count={silences.data?.silences.filter((silence) => silence.state === 'active').length} flush
          side={<span className={classes.side}>{overSwitch}<Button size="xs" disabled={noSilence !== null} title={noSilence ?? undefined} leftSection={<IconPlus size={15} />} onClick={() => setMaking('silence')}>Silence</Button></span>}
        >
          {silences.data === undefined && <div className={classes.pad}>{silences.error === null ? <Loading rows={3} height={44} /> : <Failure error={silences.error} retry={() => void silences.refetch()} />}</div>}
          {silences.data?.silences.length === 0 && <Empty icon={<IconBellOff size={21} stroke={1.7} />} title="Nothing is silenced">{noSilence ?? 'Make a silence when something is known to go wrong for a while.'}</Empty>}
          {silences.data !== undefined && silences.data.silences.length > 0 && (
            <ul className={classes.rows}>{silences.data.silences.map((silence) => <li key={silence.id}><SilenceRow silence={silence} denied={noSilence} onEnd={() => setEnding(silence)} /></li>)}</ul>
          )}
        </Panel>
        <Panel
          title="Maintenance windows" count={windows.data?.maintenance.length} flush
          side={<Button size="xs" variant="default" disabled={noWindow !== null} title={noWindow ?? undefined} leftSection={<IconPlus size={15} />} onClick={() => setMaking('window')}>Window</Button>}
        >
          {windows.data === undefined && <div className={classes.pad}>{windows.error === null ? <Loading rows={2} height={44} /> : <Failure error={windows.error} retry={() => void windows.refetch()} />}</div>}
          {windows.data?.maintenance.length === 0 && <Empty icon={<IconCalendarRepeat size={21} stroke={1.7} />} title="No window is declared">{noWindow ?? 'Declare a window for what comes again, such as patches every Sunday night.'}</Empty>}
          {windows.data !== undefined && windows.data.maintenance.length > 0 && (
            <ul className={classes.rows}>{windows.data.maintenance.map((view) => <li key={`${view.window.project ?? ''}/${view.window.name}`}><WindowRow view={view} denied={noWindow} onRemove={() => setRemoving(view)} /></li>)}</ul>
          )}
        </Panel>
      </div>
      <CommandLine command={`ironcore-backup silence list${over === undefined ? '' : ' --over'}`} />
      {making === 'silence' && <SilenceForm onClose={() => setMaking(null)} />}
      {making === 'window' && <MaintenanceForm onClose={() => setMaking(null)} />}
      {ending !== null && <EndAsk silence={ending} onClose={() => setEnding(null)} />}
      {removing !== null && <RemoveAsk view={removing} onClose={() => setRemoving(null)} />}
    </>
  );
}

function About({ when, project }: { when: Matchers | undefined; project: string | null | undefined }) {
  const parts = matchersInWords(when);
  return (
    <span className={classes.about}>
      {parts.length === 0 ? <Tag>everything</Tag> : parts.map((part) => <Tag key={part}>{part}</Tag>)}
      <span>{project == null ? 'of the whole hub' : `of project ${project}`}</span>
    </span>
  );
}

const STATES = { pending: 'running', active: 'warning', expired: 'quiet', ended: 'quiet' } as const;

function SilenceRow({ silence, denied, onEnd }: { silence: Silence; denied: string | null; onEnd: () => void }) {
  const lasts = silence.state === 'active' || silence.state === 'pending';
  return (
    <>
      <div className={classes.what}>
        <p><strong>{silence.comment}</strong></p>
        <About when={silence.when} project={silence.project} />
        <small>
          <Time at={silence.from} /> until <Time at={silence.ended ?? silence.until} /> · made by {silence.by}
          {silence.ended_by != null && <>, ended by {silence.ended_by}</>}
        </small>
      </div>
      <Tag kind={STATES[silence.state]}>{silence.state}</Tag>
      {lasts && <Button size="xs" variant="default" disabled={denied !== null} title={denied ?? undefined} aria-label={`End the silence: ${silence.comment}`} onClick={onEnd}>End</Button>}
    </>
  );
}

function WindowRow({ view: { window: declared, until, next }, denied, onRemove }: { view: MaintenanceView; denied: string | null; onRemove: () => void }) {
  return (
    <>
      <div className={classes.what}>
        <p><strong>{declared.name}</strong>{declared.comment != null && ` – ${declared.comment}`}</p>
        <About when={declared.when} project={declared.project} />
        <small>
          <code>{declared.from}</code> ({declared.timezone ?? 'UTC'}) for {declared.lasts}
          {until != null ? <> · until <Time at={until} /></> : next != null && <> · next <Time at={next} /></>}
        </small>
      </div>
      {until != null ? <Tag kind="warning">now</Tag> : <Tag>waits</Tag>}
      <Button size="xs" variant="default" disabled={denied !== null} title={denied ?? undefined} aria-label={`Remove the window ${declared.name}`} onClick={onRemove}>Remove</Button>
    </>
  );
}

function EndAsk({ silence, onClose }: { silence: Silence; onClose: () => void }) {
  const end = useEndSilence();
  return (
    <Ask title="End this silence" confirm="End it" busy={end.isPending} error={end.error} onClose={onClose} onConfirm={() => end.mutate(silence.id, { onSuccess: () => { onClose(); tellDone('The silence is over', 'What still lasts is told now.'); } })}>
      <p><strong>{silence.comment}</strong></p>
      <p>{silence.state === 'pending' ? 'It never begins.' : 'Handlers that were kept from hearing of trouble that still lasts are told of it now, once.'} It stays in the list of those that are over.</p>
    </Ask>
  );
}

function RemoveAsk({ view: { window: declared, until }, onClose }: { view: MaintenanceView; onClose: () => void }) {
  const remove = useRemoveMaintenance();
  return (
    <Ask title={`Remove the window ${declared.name}`} confirm="Remove it" danger busy={remove.isPending} error={remove.error} onClose={onClose} onConfirm={() => remove.mutate({ project: declared.project ?? null, name: declared.name }, { onSuccess: () => { onClose(); tellDone('The window was removed'); } })}>
      It does not come again.{until != null && ' It is in effect now: what it silences and what still lasts is told.'}
    </Ask>
  );
}
