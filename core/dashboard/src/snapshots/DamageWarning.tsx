// What to do about a snapshot that cannot be relied on: what is wrong, the last good one, and a fresh full backup.
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMemo, useState } from 'react';

import { useSnapshots } from '../api/datastores';
import { useRunJob } from '../api/jobs';
import type { Snapshot } from '../api/model';
import { useRefusal } from '../api/rights';
import { shellQuote } from '../format/upid';
import { Reason } from '../jobs/JobActions';
import { TaskLink } from '../tasks/TaskLink';
import { Callout } from '../ui/Callout';
import { Confirm, useOnce } from '../ui/Confirm';
import { CommandLine } from '../ui/Copy';
import { Time } from '../ui/Time';
import classes from './snapshots.module.css';
import { SnapshotLink } from './SnapshotLink';
import { isBad, lastGood } from './tree';

export function DamageWarning({ snapshot }: { snapshot: Snapshot }) {
  if (snapshot.verification === 'STALE') {
    return (
      <Callout kind="warning" title="Its last good verification is too long ago">
        <p>It is past the window in which a verification counts, and due for another one. If it stays STALE for weeks, no verification is scheduled.</p>
      </Callout>
    );
  }
  if (isBad(snapshot.verification) || !snapshot.readable) return <Damaged snapshot={snapshot} />;
  return null;
}

function Damaged({ snapshot }: { snapshot: Snapshot }) {
  const { verification: result, failure } = snapshot;
  return (
    <Callout kind="failed" role="alert" title={result === 'MISSING' ? 'MISSING: a chunk that it refers to is not in the datastore' : result === 'CORRUPT' ? 'CORRUPT: it refers to data that cannot be read' : 'Its manifest cannot be read'}>
      <p>
        This needs attention at once. Do not rely on this snapshot for recovery: restore from a verified earlier snapshot instead, and start a fresh full
        backup.
      </p>
      {failure != null && <p className={classes.break}>{failure.reason} · <code>{failure.code}</code>{failure.chunk != null && <> · chunk <code>{failure.chunk}</code></>}</p>}
      <Offer snapshot={snapshot} />
    </Callout>
  );
}

/** How many of the workload's snapshots are looked through. */
const LOOKED_AT = 1_000;

function Offer({ snapshot }: { snapshot: Snapshot }) {
  const { datastore, type, id, namespace } = snapshot;
  const { data } = useSnapshots(datastore, { type, id, namespace }, LOOKED_AT);
  const good = useMemo(() => (data === undefined ? undefined : lastGood(data.pages.flatMap((each) => each.snapshots), snapshot)), [data, snapshot]);
  return (
    <>
      <p>
        {good === undefined && 'Looking for the last good one …'}
        {good === null && 'No earlier snapshot of this workload was verified OK.'}
        {good != null && <>Last good one: <SnapshotLink snapshot={good}><Time at={good.time} /></SnapshotLink></>}
      </p>
      {good != null && <Restore reference={good.snapshot} />}
      {snapshot.job != null && snapshot.project != null && <FullBackup project={snapshot.project} name={snapshot.job} />}
    </>
  );
}

function Restore({ reference }: { reference: string }) {
  return <div className={classes.plain}><CommandLine command={`ironcore-backup restore start ${shellQuote(reference)} --to /path/to/folder`} /></div>;
}

function FullBackup({ project, name }: { project: string; name: string }) {
  const [asked, setAsked] = useState(false);
  const why = useRefusal('run-jobs');
  const { key, renew } = useOnce();
  const run = useRunJob();
  const confirm = () =>
    run.mutate({ project, name, full: true, key }, {
      onSuccess: ({ upid }) => {
        notifications.show({ color: 'green', title: `A full backup by ${name} was queued`, message: <TaskLink upid={upid} log>Open its log</TaskLink> });
        setAsked(false);
        renew();
      },
    });
  return (
    <>
      <Reason why={why}>
        <Button size="xs" mt="xs" variant="default" aria-disabled={why !== null} {...(why === null ? {} : { 'data-disabled': true })} onClick={() => why === null && setAsked(true)}>Start a full backup by {name}</Button>
      </Reason>
      {asked && (
        <Confirm title={`Full backup by ${name}`} action="Start" busy={run.isPending} error={run.error} onConfirm={confirm} onClose={() => setAsked(false)}>
          <p>The job runs now and reads every file again, whatever its metadata says. Chunks that are damaged are stored anew.</p>
          <CommandLine command={`ironcore-backup job run --project ${project} ${name} --full`} />
        </Confirm>
      )}
    </>
  );
}
