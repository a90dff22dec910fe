// How full the place is where a datastore lies, and when it will be full, in a few words and a bar.
import type { Datastore, UsageHistory } from '../api/model';
import { formatBytes } from '../format/bytes';
import { useNow } from '../ui/now';
import { Meter } from '../ui/Meter';
import classes from './datastores.module.css';
import { daysLeft, fillInWords, roomOf } from './words';

/** Less free space than this part is drawn as low; the hub warns by its own setting for each datastore. */
const LOW = 0.1;

export function Room({ datastore }: { datastore: Datastore }) {
  const room = roomOf(datastore);
  if (room === null) {
    const why = datastore.usage == null ? 'not known: it cannot be read' : datastore.usage.free_bytes == null && datastore.usage.stored_bytes == null ? 'not shown: other projects use it too' : 'without a limit';
    return <span className={classes.faint}>{why}</span>;
  }
  return (
    <div className={classes.room}>
      <Meter part={room.part} label={`Used where ${datastore.name} lies`} low={1 - room.part < LOW} />
      <small>{formatBytes(room.used)} of {formatBytes(room.total)} used, {formatBytes(room.free)} free</small>
    </div>
  );
}

/** Within so many days it has to be seen to. */
const SOON = 30;

export function Fill({ usage }: { usage: UsageHistory | undefined }) {
  const now = useNow();
  const fill = fillInWords(usage);
  const days = daysLeft(usage, now);
  if (fill === null) return <span className={`${classes.fill ?? ''} ${classes.faint ?? ''}`}>{usage === undefined ? '…' : 'not shown'}</span>;
  return (
    <span className={classes.fill} data-soon={(days !== null && days <= SOON) || undefined}>
      {fill.short}
      <small>{days === null ? fill.why : `in ${days} ${days === 1 ? 'day' : 'days'}, ${fill.why}`}</small>
    </span>
  );
}
