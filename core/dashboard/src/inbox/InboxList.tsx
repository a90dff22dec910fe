// The entries, newest first, each a link to itself.
import { Link } from '@tanstack/react-router';
import { IconBellOff, IconCheck, IconVolumeOff } from '@tabler/icons-react';

import { type InboxEntry, shortType } from '../api/model';
import { Marked } from '../ui/Marked';
import { useNow } from '../ui/now';
import { SeveritySign } from '../ui/Severity';
import { Time } from '../ui/Time';
import classes from './InboxList.module.css';
import { readInboxSearch } from './search';

export function InboxList({ entries, selected }: { entries: readonly InboxEntry[]; selected: number | undefined }) {
  // Of today only the time is written; the day is in the tooltip.
  const day = new Date(useNow()).toISOString();
  return (
    <ul className={classes.list}>
      {entries.map((entry) => <li key={entry.seq}><Row entry={entry} open={entry.seq === selected} now={day} /></li>)}
    </ul>
  );
}

function Row({ entry, open, now }: { entry: InboxEntry; open: boolean; now: string }) {
  const { data } = entry.event;
  const where = [shortType(entry.event.type), data.project, data.job?.name ?? data.task?.job ?? data.datastore?.name].filter((each) => each != null);
  const unread = !entry.read && !entry.muted;
  return (
    <Link
      to="/inbox/$seq"
      params={{ seq: String(entry.seq) }}
      search={(search: Record<string, unknown>) => readInboxSearch(search)}
      resetScroll={false}
      className={classes.row}
      data-seq={entry.seq}
      data-unread={unread || undefined}
      data-selected={open || undefined}
    >
      <span className={classes.signs}>
        {entry.severity !== 'info' && <SeveritySign severity={entry.severity} />}
        {unread && <i className={classes.dot} role="img" aria-label="unread" />}
      </span>
      <span className={classes.what}>
        <span className={classes.title}><Marked text={entry.title} /></span>
        <span className={classes.meta}>
          <span className={classes.where}>{where.join(' · ')}</span>
          {entry.acknowledged != null && <span className={classes.mark}><IconCheck size={13} stroke={2.4} aria-hidden /> {entry.acknowledged.user}</span>}
          {entry.muted && <span className={classes.mark}><IconVolumeOff size={13} aria-hidden /> muted</span>}
          {entry.silenced !== undefined && entry.silenced.length > 0 && <span className={classes.mark}><IconBellOff size={13} aria-hidden /> silenced</span>}
        </span>
      </span>
      <span className={classes.when}><Time at={entry.event.time} after={now} /></span>
    </Link>
  );
}
