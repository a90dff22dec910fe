// What a job's task works on, and by which rules its runs go.
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import type { Job } from '../api/model';
import { Facts, type Fact } from '../ui/Facts';
import { Panel } from '../ui/Panel';
import classes from './jobs.module.css';
import { datastoresOf, keepInWords, missedInWords, overlapInWords, retriesInWords } from './words';

function Items({ items }: { items: readonly string[] }) {
  return <ul className={classes.list}>{items.map((item) => <li key={item}><code>{item}</code></li>)}</ul>;
}

function taskFacts({ task }: Job): (Fact | null)[] {
  const stores: Fact = [
    datastoresOf(task).length === 1 ? 'Datastore' : 'Datastores',
    datastoresOf(task).map((name, at) => <span key={name}>{at > 0 && ', '}<Link to="/datastores/$name" params={{ name }}>{name}</Link></span>),
  ];
  switch (task.type) {
    case 'backup': {
      const exclude = task.source.exclude ?? [];
      return [
        stores,
        ['Folder', <code key="tree">{task.source.tree}</code>],
        ['Backup', `${task['backup-type'] ?? 'host'}/${task['backup-id']}`],
        (task.namespace ?? '') === '' ? null : ['Namespace', task.namespace],
        ['When the folder is missing', task.source.optional === true ? 'warns' : 'fails'],
        ['Reads', task.full === true ? 'every file each time' : 'what changed since the last backup'],
        ['Left out', exclude.length === 0 ? 'nothing' : <Items key="exclude" items={exclude} />, exclude.length > 0],
      ];
    }
    case 'prune':
      return [
        stores,
        ['Keeps', keepInWords(task.keep) ?? 'everything: there is no rule', true],
        ['Counts days in', task.timezone ?? 'UTC'],
        ['Groups', (task.groups ?? []).length === 0 ? 'all' : <Items key="groups" items={task.groups ?? []} />],
        (task.namespace ?? '') === '' ? null : ['Namespace', task.namespace],
        task['dry-run'] === true ? ['Only looks', 'yes: nothing is removed'] : null,
      ];
    case 'verify':
      return [
        stores,
        ['Depth', (task.depth ?? 'full') === 'full' ? 'full: every chunk is decoded and compared' : 'stored: the stored bytes are compared'],
        ['What was verified lately', task.again === true ? 'is verified again' : 'is left out'],
        task.snapshot == null ? null : ['Snapshot', task.snapshot],
        task.namespace == null ? null : ['Namespace', task.namespace === '' ? 'the root' : task.namespace],
      ];
    case 'sync':
      return [
        stores,
        task.from.remote == null ? null : ['From the hub', task.from.remote.url],
        ['Groups', (task.groups ?? []).length === 0 ? 'all' : <Items key="groups" items={task.groups ?? []} />],
        (task.namespace ?? '') === '' ? null : ['Namespace', task.namespace],
      ];
    case 'gc':
      return [stores, task['dry-run'] === true ? ['Only looks', 'yes: nothing is removed'] : null];
    case 'restore':
      return [
        ['Snapshot', <code key="snapshot">{task.snapshot}</code>],
        ['To', <code key="to">{task.to}</code>],
        ['Files that exist', task.overwrite === true ? 'are written over' : 'are left alone: the folder must be empty'],
      ];
  }
}

const TITLES: Record<Job['task']['type'], string> = { backup: 'Source', prune: 'Retention', verify: 'Verification', sync: 'Sync', gc: 'Collection', restore: 'Restore' };

export function JobTask({ job }: { job: Job }) {
  return <Panel title={TITLES[job.task.type]}><Facts facts={taskFacts(job)} /></Panel>;
}

function command(value: Job['command-before']): ReactNode {
  if (value == null) return null;
  return <><code>{value.run.join(' ')}</code><small>ended after {value.timeout ?? '10m'}; its failure: {value['on-failure'] ?? 'fail'}</small></>;
}

export function JobPolicies({ job }: { job: Job }) {
  const blackout = job.blackout ?? [];
  const groups = job.groups ?? [];
  return (
    <Panel title="How it goes">
      <Facts
        facts={[
          job.after == null ? null : ['Runs after', <Link key="after" to="/jobs/$project/$name" params={{ project: job.project, name: job.after }}>{job.after}</Link>],
          ['While a run goes on', overlapInWords(job)],
          ['Missed runs', missedInWords(job)],
          ['Retries', retriesInWords(job)],
          ['Time limit', job.timeout ?? 'none'],
          ['Told when it takes long', job['warn-after'] == null ? 'after three times the usual duration' : `after ${job['warn-after']}`],
          ['Recovery point', job['recovery-point'] == null ? 'no objective' : `a good run every ${job['recovery-point']}`],
          job['randomized-delay'] == null ? null : ['Random delay', `up to ${job['randomized-delay']}`],
          ['Blackout', blackout.length === 0 ? 'none' : <Items key="blackout" items={blackout.map((window) => `${window.from} for ${window.lasts}`)} />],
          ['Groups told', groups.length === 0 ? 'none' : groups.join(', ')],
          job['command-before'] == null ? null : ['Command before', command(job['command-before'])],
          job['command-after'] == null ? null : ['Command after', command(job['command-after'])],
        ]}
      />
    </Panel>
  );
}
