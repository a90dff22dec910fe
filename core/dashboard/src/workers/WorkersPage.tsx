// Who runs tasks: how many wait, who is heard of, which slots are taken, and the scheduler's pause.
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Link } from '@tanstack/react-router';
import { IconPlayerPause, IconPlayerPlay, IconServerOff } from '@tabler/icons-react';
import { useState } from 'react';

import { usePauseScheduler, useStatus, useWorkers } from '../api/hub';
import type { HubStatus, Worker } from '../api/model';
import { useRefusal } from '../api/rights';
import { formatCount } from '../format/bytes';
import { Reason } from '../jobs/JobActions';
import { Callout } from '../ui/Callout';
import { Confirm } from '../ui/Confirm';
import { CommandLine } from '../ui/Copy';
import { type Column, DataTable } from '../ui/DataTable';
import { Empty, Failure, Loading, PageHead, Panel } from '../ui/Panel';
import page from '../ui/Page.module.css';
import { Meter } from '../ui/Meter';
import { Tag } from '../ui/Tag';
import { Time } from '../ui/Time';
import classes from './workers.module.css';

const KINDS = { online: 'ok', silent: 'warning', lost: 'failed', offline: 'failed' } as const;
const MEANING = { online: 'It is heard of.', silent: 'Nothing was heard of it for a while; soon it counts as lost.', lost: 'It was not heard of any more and did not come back.', offline: 'Nobody does it.' } as const;

function State({ state }: { state: keyof typeof KINDS }) {
  return <Tag kind={KINDS[state]} title={MEANING[state]}>{state}</Tag>;
}

const WORKERS: Column<Worker>[] = [
  { id: 'node', head: 'Worker', lead: true, width: '18%', cell: (worker) => <>{worker.node}<small>process {worker.pid}</small></> },
  { id: 'state', head: 'Health', width: '7rem', cell: (worker) => <><State state={worker.state} />{worker.lost != null && <small>lost <Time at={worker.lost} ago /></small>}</> },
  {
    id: 'slots',
    head: 'Slots',
    width: '10rem',
    cell: (worker) =>
      worker.state === 'lost' ? '–' : (
        <div className={classes.slots}>
          <span className="num">{worker.running} of {worker.slots} taken</span>
          <Meter part={worker.slots === 0 ? 0 : worker.running / worker.slots} label={`Slots of ${worker.node} that are taken`} />
        </div>
      ),
  },
  { id: 'types', head: 'Runs', width: '20%', cell: (worker) => worker.types.join(', ') || 'no tasks' },
  { id: 'services', head: 'Services', width: '22%', cell: (worker) => worker.services.join(', ') },
  { id: 'started', head: 'Since', width: '11.5rem', cell: (worker) => <Time at={worker.started} /> },
];

export function WorkersPage() {
  const workers = useWorkers();
  const status = useStatus();
  const online = workers.data?.workers.filter((worker) => worker.state === 'online') ?? [];
  const slots = online.reduce((sum, worker) => sum + worker.slots, 0);
  const running = online.reduce((sum, worker) => sum + worker.running, 0);
  return (
    <>
      <PageHead title="Workers" />
      <div className={page.stack}>
        {workers.data !== undefined && online.length === 0 && (
          <Callout kind="failed" role="alert" title="No worker is online"><p>Queued tasks wait until one is. Start the hub’s process on its machine, or look at its log.</p></Callout>
        )}
        <dl className={classes.figures}>
          <div><dt>Queue depth</dt><dd>{workers.data === undefined ? '…' : <Link to="/tasks" search={{ status: 'queued' }}>{formatCount(workers.data.queued)}</Link>}<small>tasks that wait for a slot</small></dd></div>
          <div><dt>Slots taken</dt><dd>{workers.data === undefined ? '…' : `${running} of ${slots}`}<small>on {online.length} {online.length === 1 ? 'worker' : 'workers'} online</small></dd></div>
          <div><dt>Scheduler</dt><dd><Scheduler status={status.data} /></dd></div>
        </dl>
        <Panel title="Workers" count={workers.data?.workers.length} flush>
          {workers.data === undefined && <div className={page.pad}>{workers.error === null ? <Loading rows={3} height={26} /> : <Failure error={workers.error} retry={() => void workers.refetch()} />}</div>}
          {workers.data?.workers.length === 0 && <Empty icon={<IconServerOff size={21} stroke={1.7} />} title="There is no worker">A process with the role worker, verifier, gc or sync runs tasks.</Empty>}
          {workers.data !== undefined && workers.data.workers.length > 0 && <DataTable label="Workers" columns={WORKERS} rows={workers.data.workers} rowKey={(worker) => worker.session} />}
        </Panel>
        <Panel title="Services" flush>
          {status.data === undefined && <div className={page.pad}>{status.error === null ? <Loading rows={7} height={22} /> : <Failure error={status.error} retry={() => void status.refetch()} />}</div>}
          {status.data !== undefined && (
            <DataTable
              label="Services" rows={status.data.services} rowKey={({ service, session }) => `${service}/${session ?? ''}`} cardsBelow="narrow"
              columns={[
                { id: 'service', head: 'Service', lead: true, cell: ({ service }) => service },
                { id: 'state', head: 'Health', width: '8rem', cell: ({ state }) => <State state={state} /> },
                { id: 'node', head: 'Node', width: '30%', cell: ({ node, pid }) => (node == null ? 'none' : <>{node}<small>process {pid}</small></>) },
                { id: 'started', head: 'Since', width: '13rem', cell: ({ started }) => (started == null ? '–' : <Time at={started} />) },
              ]}
            />
          )}
        </Panel>
        <CommandLine command="ironcore-backup worker list" />
      </div>
    </>
  );
}

function Scheduler({ status }: { status: HubStatus | undefined }) {
  const [asked, setAsked] = useState(false);
  const why = useRefusal('pause-scheduler');
  const change = usePauseScheduler();
  if (status === undefined) return '…';
  const since = status.scheduler_paused ?? null;
  const pause = since === null;
  const none = !status.services.some((each) => each.service === 'scheduler' && each.state === 'online');
  const confirm = () =>
    change.mutate(pause, {
      onSuccess: ({ paused }) => {
        notifications.show({ color: paused ? 'yellow' : 'green', message: paused ? 'The scheduler is paused' : 'The scheduler goes on' });
        setAsked(false);
      },
    });
  return (
    <>
      <span className={classes.scheduler}>
        {pause ? (none ? <Tag kind="failed">not online</Tag> : <Tag kind="ok">running</Tag>) : <Tag kind="warning">paused</Tag>}
        <Reason why={why}>
          <Button
            size="compact-sm" variant="default" aria-disabled={why !== null} {...(why === null ? {} : { 'data-disabled': true })} onClick={() => why === null && setAsked(true)}
            leftSection={pause ? <IconPlayerPause size={15} aria-hidden /> : <IconPlayerPlay size={15} aria-hidden />}
          >
            {pause ? 'Pause' : 'Resume'}
          </Button>
        </Reason>
      </span>
      <small>{since === null ? 'jobs begin at their times' : <>no job begins by itself since <Time at={since} /></>}</small>
      {asked && (
        <Confirm title={pause ? 'Pause the scheduler' : 'Resume the scheduler'} action={pause ? 'Pause' : 'Resume'} busy={change.isPending} error={change.error} onConfirm={confirm} onClose={() => setAsked(false)}>
          <p>
            {pause
              ? 'No job of the whole hub starts by itself until it is resumed. Tasks that run go on, and what a person starts runs at once. A pause that lasts is told as a warning.'
              : 'Jobs begin at their times again. What was missed meanwhile is made up for as each job says.'}
          </p>
          <CommandLine command={`ironcore-backup scheduler ${pause ? 'pause' : 'resume'}`} />
        </Confirm>
      )}
    </>
  );
}
