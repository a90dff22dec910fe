// How much is unread, beside the link to the inbox: errors, warnings and the rest, each with its own count.
import { useInboxCounts } from '../api/inbox';
import { countsInWords, shortCount } from './counts';
import classes from './InboxBadge.module.css';

export function InboxBadge() {
  const { data } = useInboxCounts();
  if (data === undefined || data.unread === 0) return null;
  const rest = data.notice + data.info;
  const words = countsInWords(data);
  return (
    <span className={classes.badges} title={words}>
      <span className={classes.words}>{words}</span>
      {data.error > 0 && <b aria-hidden data-severity="error">{shortCount(data.error)}</b>}
      {data.warning > 0 && <b aria-hidden data-severity="warning">{shortCount(data.warning)}</b>}
      {rest > 0 && <b aria-hidden>{shortCount(rest)}</b>}
    </span>
  );
}
