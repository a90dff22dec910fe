// Workloads, each opened to its points in time. What is open stands in the address.
import { Button } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { type KeyboardEvent, useState } from 'react';

import type { Snapshot } from '../api/model';
import { formatCount } from '../format/bytes';
import { Tag } from '../ui/Tag';
import { Bytes, Time } from '../ui/Time';
import classes from './snapshots.module.css';
import { SnapshotLink } from './SnapshotLink';
import { pathOf, type Workload } from './tree';
import { SnapshotMarks, VerifyBadge } from './VerifyBadge';

interface TreeProps {
  tree: Workload[];
  /** Keys joined by commas; nothing means: those of a few workloads. */
  open: string | undefined;
  onOpen: (open: string) => void;
}

/** So many workloads are all open at first. */
const FEW = 4;
const NONE = 'none';

export function Tree({ tree, open, onOpen }: TreeProps) {
  const opened = new Set(open === undefined ? (tree.length <= FEW ? tree.map(({ key }) => key) : tree.filter(({ bad }) => bad > 0).map(({ key }) => key)) : open.split(','));
  const toggle = (key: string) => {
    const others = [...opened].filter((each) => each !== key && each !== NONE);
    const next = opened.has(key) ? others : [...others, key];
    onOpen(next.length === 0 ? NONE : next.join(','));
  };
  /** Up and down step through what can be chosen, left and right close and open a workload. */
  const onKeyDown = (event: KeyboardEvent<HTMLUListElement>) => {
    if (!(event.target instanceof HTMLElement)) return;
    const key = event.target.dataset.workload;
    if (key !== undefined && ((event.key === 'ArrowRight' && !opened.has(key)) || (event.key === 'ArrowLeft' && opened.has(key)))) {
      event.preventDefault();
      toggle(key);
      return;
    }
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by === undefined) return;
    const all = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-workload], a')];
    const next = all[all.indexOf(event.target) + by];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  };
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- steps between what can be focused
    <ul className={classes.tree} onKeyDown={onKeyDown}>
      {tree.map((workload) => {
        const isOpen = opened.has(workload.key);
        return (
          <li key={workload.key}>
            <button type="button" className={classes.workload} aria-expanded={isOpen} data-workload={workload.key} onClick={() => toggle(workload.key)}>
              <IconChevronRight size={16} aria-hidden className={classes.chevron} />
              <span className={classes.name}>
                {workload.namespace !== '' && <span className={classes.faint}>{workload.namespace} / </span>}
                <span className={classes.faint}>{workload.type}/</span>{workload.id}
              </span>
              <span className={classes.faint}>{formatCount(workload.snapshots.length)} {workload.snapshots.length === 1 ? 'snapshot' : 'snapshots'}</span>
              {workload.bad > 0 && <Tag kind="failed">{formatCount(workload.bad)} damaged</Tag>}
              {workload.stale > 0 && <Tag kind="warning">{formatCount(workload.stale)} STALE</Tag>}
              <span className={classes.newest}>newest <Time at={workload.newest.time} ago /></span>
            </button>
            {isOpen && <Points snapshots={workload.snapshots} />}
          </li>
        );
      })}
    </ul>
  );
}

const STEP = 50;

function Points({ snapshots }: { snapshots: Snapshot[] }) {
  const [shown, setShown] = useState(STEP);
  return (
    <>
      <ul className={classes.points}>
        {snapshots.slice(0, shown).map((snapshot) => (
          <li key={pathOf(snapshot.snapshot)}>
            <span className={classes.when}><SnapshotLink snapshot={snapshot}><Time at={snapshot.time} /></SnapshotLink></span>
            <span className={classes.marks}><VerifyBadge result={snapshot.verification} /><SnapshotMarks snapshot={snapshot} /></span>
            <span className={classes.notes}>{snapshot.notes}</span>
            <span className={classes.faint}>{snapshot.job ?? 'by hand'}</span>
            <span className={classes.size}>{snapshot.bytes == null ? '–' : <Bytes value={snapshot.bytes} />}</span>
          </li>
        ))}
      </ul>
      {snapshots.length > shown && <p className={classes.more}><Button size="compact-xs" variant="default" onClick={() => setShown(shown + STEP)}>Show more ({formatCount(snapshots.length - shown)} left)</Button></p>}
    </>
  );
}
