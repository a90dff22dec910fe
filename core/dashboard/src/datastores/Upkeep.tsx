// What looks after a datastore: the last collection, verification and prune, and starting one now.
import { Button, Checkbox, NumberInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';

import { useStartTask, useUpkeep } from '../api/datastores';
import type { Datastore, Keep, Right, Task, TaskSpec } from '../api/model';
import { useRefusal } from '../api/rights';
import { Reason } from '../jobs/JobActions';
import { keepInWords } from '../jobs/words';
import { TaskLink } from '../tasks/TaskLink';
import { Confirm, useOnce } from '../ui/Confirm';
import { CommandLine } from '../ui/Copy';
import { Panel } from '../ui/Panel';
import { StatusBadge } from '../ui/StatusBadge';
import { Time } from '../ui/Time';
import classes from './datastores.module.css';

type Kind = 'gc' | 'verify' | 'prune';

const KINDS: Record<Kind, { title: string; what: string; action: string; right: Right }> = {
  gc: { title: 'Collection', what: 'Frees the space of chunks that no snapshot needs.', action: 'Collect garbage', right: 'collect-garbage' },
  verify: { title: 'Verification', what: 'Checks that every chunk is there and matches its fingerprint.', action: 'Verify', right: 'verify' },
  prune: { title: 'Prune', what: 'Removes snapshots that no retention rule keeps.', action: 'Prune', right: 'prune' },
};

export function Upkeep({ datastore }: { datastore: Datastore }) {
  const { data } = useUpkeep(datastore.name);
  return (
    <Panel title="Upkeep">
      <ul className={classes.upkeep}>
        {(['verify', 'gc', 'prune'] as const).map((kind) => <Item key={kind} kind={kind} datastore={datastore} last={data?.[kind]} />)}
      </ul>
    </Panel>
  );
}

function Item({ kind, datastore, last }: { kind: Kind; datastore: Datastore; last: Task | null | undefined }) {
  const { title, what, action, right } = KINDS[kind];
  const [asked, setAsked] = useState(false);
  const why = useRefusal(right);
  return (
    <li>
      <div>
        <h3>{title}</h3>
        <p>{what}</p>
        <p>
          {last === undefined && 'Last one: …'}
          {last === null && 'None yet.'}
          {last != null && <>Last one: <StatusBadge state={last.state} status={last.status} /> <TaskLink upid={last.upid} log><Time at={last.ended ?? last.started ?? last.queued} ago /></TaskLink></>}
        </p>
      </div>
      <Reason why={why}>
        <Button size="xs" variant="default" aria-disabled={why !== null} {...(why === null ? {} : { 'data-disabled': true })} onClick={() => why === null && setAsked(true)}>{action}</Button>
      </Reason>
      {asked && <Start kind={kind} datastore={datastore} onClose={() => setAsked(false)} />}
    </li>
  );
}

const RULES: readonly (keyof Keep)[] = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'];

function Start({ kind, datastore: { name }, onClose }: { kind: Kind; datastore: Datastore; onClose: () => void }) {
  const { title, action } = KINDS[kind];
  const [dryRun, setDryRun] = useState(kind === 'prune');
  const [again, setAgain] = useState(false);
  const [keep, setKeep] = useState<Keep>({});
  const { key } = useOnce();
  const start = useStartTask();
  const kept = keepInWords(keep);
  const flags = kind === 'prune' ? RULES.filter((rule) => (keep[rule] ?? 0) > 0).map((rule) => ` --keep-${rule} ${keep[rule] ?? 0}`).join('') : '';
  const command = `ironcore-backup ${kind} start ${name}${kind === 'verify' ? (again ? ' --again' : '') : dryRun ? ' --dry-run' : ''}${flags}`;
  const spec = (): TaskSpec => {
    if (kind === 'gc') return { type: 'gc', datastore: name, 'dry-run': dryRun };
    if (kind === 'verify') return { type: 'verify', datastore: name, again };
    const rules = { last: null, hourly: null, daily: null, weekly: null, monthly: null, yearly: null, ...keep };
    return { type: 'prune', datastore: name, 'dry-run': dryRun, keep: rules, groups: [] };
  };
  const confirm = () =>
    start.mutate({ spec: spec(), project: null, key }, {
      onSuccess: ({ upid }) => {
        notifications.show({ color: 'green', title: `${title} of ${name} was queued`, message: <TaskLink upid={upid} log>Open its log</TaskLink> });
        onClose();
      },
    });
  return (
    <Confirm title={`${title} of ${name}`} action={dryRun ? 'Look only' : action} danger={kind === 'prune' && !dryRun} busy={start.isPending} error={start.error} onConfirm={confirm} onClose={onClose}>
      {kind === 'gc' && <p>Chunks that no snapshot needs are removed and their space is freed. Backups may go on meanwhile. What is removed cannot be brought back.</p>}
      {kind === 'verify' && <p>Every snapshot is read and checked, but for those that were verified OK lately. It reads much and changes nothing.</p>}
      {kind === 'prune' && (
        <>
          <p>{kept === null ? 'Without a rule everything is kept.' : `Of each workload ${kept} are kept; the others are removed, but for protected ones. Removed snapshots cannot be brought back.`}</p>
          <div className={classes.keep}>
            {RULES.map((rule) => (
              <NumberInput
                key={rule} size="xs" label={`Keep ${rule}`} min={0} max={10_000} allowDecimal={false} value={keep[rule] ?? ''}
                onChange={(value) => setKeep({ ...keep, [rule]: typeof value === 'number' && value > 0 ? value : null })}
              />
            ))}
          </div>
        </>
      )}
      {kind === 'verify' ? (
        <Checkbox label="Also what was verified lately" checked={again} onChange={(event) => setAgain(event.currentTarget.checked)} />
      ) : (
        <Checkbox label={kind === 'gc' ? 'Only say what would be freed' : 'Only say what would be removed'} checked={dryRun} onChange={(event) => setDryRun(event.currentTarget.checked)} />
      )}
      <CommandLine command={command} />
    </Confirm>
  );
}
