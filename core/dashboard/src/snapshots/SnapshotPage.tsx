// One snapshot at a link of its own: what it holds and where it came from, and whether it can be relied on.
import { Tabs } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';

import { useSnapshot } from '../api/datastores';
import type { Snapshot, SnapshotDetail } from '../api/model';
import { formatCount } from '../format/bytes';
import { withParts } from '../format/search';
import { elapsed, formatDuration } from '../format/time';
import { shellQuote, shortUpid } from '../format/upid';
import { TaskLink } from '../tasks/TaskLink';
import { TaskOverlay } from '../tasks/TaskOverlay';
import { CommandLine, CopyButton } from '../ui/Copy';
import { Facts } from '../ui/Facts';
import { Failure, Loading, PageHead, Panel } from '../ui/Panel';
import page from '../ui/Page.module.css';
import { Bytes, Time } from '../ui/Time';
import { DamageWarning } from './DamageWarning';
import classes from './snapshots.module.css';
import { isBad, workloadKey } from './tree';
import { SnapshotMarks, VerifyBadge } from './VerifyBadge';
import { VerificationTab } from './VerificationTab';

const route = getRouteApi('/snapshots/$datastore/show/$');

export function SnapshotPage() {
  const { datastore, _splat: path = '' } = route.useParams();
  const { tab } = route.useSearch();
  const navigate = useNavigate();
  const reference = `${datastore}:${path}`;
  const { data, error, refetch } = useSnapshot(reference);
  const change = (next: string | null) => void navigate({ to: '.', search: (before: Record<string, unknown>) => withParts(before, { tab: next === 'overview' || next === null ? undefined : next }), resetScroll: false });
  return (
    <>
      <p className={page.crumbs}>
        <Link to="/snapshots/$datastore" params={{ datastore }} search={data === undefined ? {} : { open: workloadKey(data.snapshot) }}>Snapshots of {datastore}</Link>
      </p>
      <PageHead title={path}>
        {data !== undefined && <><VerifyBadge result={data.snapshot.verification} /><SnapshotMarks snapshot={data.snapshot} /></>}
      </PageHead>
      {data === undefined ? (
        <Panel title="Snapshot">{error === null ? <Loading rows={12} /> : <Failure error={error} retry={() => void refetch()} />}</Panel>
      ) : (
        <div className={page.stack}>
          <DamageWarning snapshot={data.snapshot} />
          <Tabs value={tab === 'verification' ? 'verification' : 'overview'} onChange={change} keepMounted={false}>
            <Tabs.List>
              <Tabs.Tab value="overview">Overview</Tabs.Tab>
              <Tabs.Tab value="verification">Verification</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="overview" className={classes.panel ?? ''}><Overview detail={data} /></Tabs.Panel>
            <Tabs.Panel value="verification" className={classes.panel ?? ''}><VerificationTab detail={data} /></Tabs.Panel>
          </Tabs>
        </div>
      )}
      <TaskOverlay />
    </>
  );
}

function madeBy({ job, project }: Snapshot) {
  if (job == null) return 'a task of no job';
  return project == null ? job : <Link to="/jobs/$project/$name" params={{ project, name: job }}>{job}</Link>;
}

function Overview({ detail: { snapshot } }: { detail: SnapshotDetail }) {
  const took = elapsed(snapshot.time, snapshot.finished, 0);
  return (
    <>
      <Panel title="What it holds">
        <Facts
          facts={[
            ['Time', <Time key="time" at={snapshot.time} />],
            ['Finished', snapshot.finished == null ? 'not known' : <Time key="finished" at={snapshot.finished} />],
            snapshot.finished == null || took === null ? null : ['Took', formatDuration(took)],
            ['Size', snapshot.bytes == null ? 'not known' : <Bytes key="bytes" value={snapshot.bytes} />],
            ['Newly stored', snapshot.bytes_added == null ? 'not known' : <Bytes key="added" value={snapshot.bytes_added} />],
            ['Files', snapshot.files == null ? 'not known' : formatCount(snapshot.files)],
            ['Warnings of the backup', snapshot.warnings == null ? 'not known' : formatCount(snapshot.warnings)],
            ['Source', snapshot.source == null ? 'not known' : <code key="source">{snapshot.source}</code>],
            ['Made by', <span key="by">{madeBy(snapshot)}</span>],
            ['User', snapshot.user ?? 'not known'],
            ['Project', snapshot.project ?? 'none'],
            snapshot.upid == null ? null : ['Task', <TaskLink key="task" upid={snapshot.upid} log><code>{shortUpid(snapshot.upid)}</code></TaskLink>],
            ['Protected', snapshot.protected ? 'yes: prune leaves it alone' : 'no: prune may remove it'],
            ['Signature', snapshot.trusted ? 'of a key that this hub trusts' : 'of a key that this hub does not trust'],
            ['Notes', snapshot.notes == null || snapshot.notes === '' ? 'none' : snapshot.notes, true],
            ['Reference', <span key="ref" className={classes.break}><code>{snapshot.snapshot}</code> <CopyButton value={snapshot.snapshot} what="reference" /></span>, true],
          ]}
        />
      </Panel>
      {!isBad(snapshot.verification) && snapshot.readable && <CommandLine command={`ironcore-backup restore start ${shellQuote(snapshot.snapshot)} --to /path/to/folder`} />}
    </>
  );
}
