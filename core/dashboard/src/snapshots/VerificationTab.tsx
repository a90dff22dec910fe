// The verification of a snapshot: the last result, who verified, how long it took, the history, and verifying it now.
import { Button, Checkbox } from '@mantine/core';
import { IconShieldCheck } from '@tabler/icons-react';
import { useState } from 'react';

import { useStartTask } from '../api/datastores';
import { isFinal, type SnapshotDetail, type Verification } from '../api/model';
import { useRefusal } from '../api/rights';
import { useTask } from '../api/tasks';
import { formatCount } from '../format/bytes';
import { formatDuration } from '../format/time';
import { shellQuote } from '../format/upid';
import { Reason } from '../jobs/JobActions';
import { TaskLink } from '../tasks/TaskLink';
import { Refused, useOnce } from '../ui/Confirm';
import { CommandLine } from '../ui/Copy';
import { type Column, DataTable } from '../ui/DataTable';
import { Facts } from '../ui/Facts';
import { Empty, Panel } from '../ui/Panel';
import { StatusBadge } from '../ui/StatusBadge';
import { Time } from '../ui/Time';
import classes from './snapshots.module.css';
import { pathOf } from './tree';
import { VerifyBadge } from './VerifyBadge';

/** Microseconds as people read them: short checks take less than a second. */
export function formatMicros(us: number): string {
  return us < 1_000_000 ? `${Math.max(1, Math.round(us / 1_000))} ms` : formatDuration(us / 1_000);
}

const depthOf = (each: Verification) => (each.depth === 'full' ? 'full' : 'stored bytes');

const COLUMNS: Column<Verification>[] = [
  { id: 'found', head: 'Found', lead: true, width: '8rem', cell: (each) => <VerifyBadge result={each.found} /> },
  {
    id: 'started',
    head: 'Time',
    width: '12rem',
    cell: (each) => (each.upid == null ? <Time at={each.started} /> : <TaskLink upid={each.upid} log><Time at={each.started} /></TaskLink>),
  },
  { id: 'verifier', head: 'Verifier', cell: (each) => each.verifier ?? 'by hand' },
  { id: 'depth', head: 'Depth', width: '7rem', cell: depthOf },
  { id: 'chunks', head: 'Chunks', width: '6rem', end: true, cell: (each) => formatCount(each.chunks) },
  { id: 'duration', head: 'Duration', width: '7rem', end: true, cell: (each) => formatMicros(each.duration_us) },
  { id: 'failure', head: 'Failure', width: '28%', cell: (each) => (each.failure == null ? '–' : <>{each.failure.reason} <small><code>{each.failure.code}</code></small></>) },
];

export function VerificationTab({ detail: { snapshot, verification: last, history } }: { detail: SnapshotDetail }) {
  return (
    <>
      <Panel title="Last result">
        <div className={classes.verdict}>
          <VerifyBadge result={last?.result} />
          <span className={classes.faint}>{last == null ? 'Nobody has verified it yet.' : meaning(last)}</span>
        </div>
        {last != null && (
          <Facts
            facts={[
              ['Verified', <Time key="time" at={last.started} />],
              ['Verifier', last.verifier ?? 'by hand'],
              ['Duration', formatMicros(last.duration_us)],
              ['Depth', last.depth === 'full' ? 'full: every chunk was decoded and compared' : 'stored: the stored bytes were compared'],
              ['Chunks', formatCount(last.chunks)],
              last.upid == null ? null : ['Log', <TaskLink key="log" upid={last.upid} log>Open the log</TaskLink>],
              last.failure == null ? null : ['Failure', <span key="failure" className={classes.break}>{last.failure.reason} · <code>{last.failure.code}</code>{last.failure.chunk != null && <> · chunk <code>{last.failure.chunk}</code></>}</span>, true],
            ]}
          />
        )}
        <VerifyNow datastore={snapshot.datastore} path={pathOf(snapshot.snapshot)} />
      </Panel>
      <Panel title="History" count={history.length} flush>
        {history.length === 0 ? (
          <Empty icon={<IconShieldCheck size={21} stroke={1.7} />} title="No verification yet">Verify it now, or wait for a scheduled verification.</Empty>
        ) : (
          <DataTable label="History of verifications" columns={COLUMNS} rows={history} rowKey={(each) => `${each.started}/${each.upid ?? ''}`} />
        )}
      </Panel>
      <CommandLine command={`ironcore-backup verify start ${shellQuote(snapshot.snapshot)}`} />
    </>
  );
}

function meaning({ result }: Verification): string {
  switch (result) {
    case 'OK':
      return 'Every chunk matched its SHA-256 fingerprint.';
    case 'STALE':
      return 'It was OK, but too long ago to count.';
    case 'CORRUPT':
      return 'At least one chunk failed the SHA-256 check: its manifest refers to data that cannot be read.';
    case 'MISSING':
      return 'A chunk that it refers to is not in the datastore.';
  }
}

function VerifyNow({ datastore, path }: { datastore: string; path: string }) {
  const why = useRefusal('verify');
  const start = useStartTask();
  const { key, renew } = useOnce();
  const [stored, setStored] = useState(false);
  const upid = start.data?.upid;
  const verify = () =>
    start.mutate({ spec: { type: 'verify', datastore, snapshot: path, depth: stored ? 'stored' : 'full' }, project: null, key }, { onSuccess: renew });
  return (
    <div className={classes.now}>
      <Reason why={why}>
        <Button
          size="sm" leftSection={<IconShieldCheck size={16} aria-hidden />} loading={start.isPending} aria-disabled={why !== null} {...(why === null ? {} : { 'data-disabled': true })}
          onClick={() => why === null && verify()}
        >
          Verify now
        </Button>
      </Reason>
      <Checkbox size="sm" label="Only compare stored bytes (faster)" checked={stored} onChange={(event) => setStored(event.currentTarget.checked)} />
      {upid !== undefined && <Outcome key={upid} upid={upid} />}
      {start.error !== null && <Refused error={start.error} />}
    </div>
  );
}

/** How far the verification is that was started here. */
function Outcome({ upid }: { upid: string }) {
  const { data: task } = useTask(upid);
  return (
    <p className={classes.outcome} role="status">
      {task === undefined ? 'Queued' : <StatusBadge state={task.state} status={task.status} />}
      {task !== undefined && isFinal(task.state) ? (task.error?.message ?? 'Verified.') : 'This page shows the result when it is there.'} <TaskLink upid={upid} log>Open the log</TaskLink>
    </p>
  );
}
