// The filters of the inbox as they stand in the address, and what they mean to the API and on the command line.
import { SEVERITIES, type Severity } from '../api/model';
import { shellQuote } from '../format/upid';
import { oneOf, textOf, tidy, timeOf, typesOf, type Raw } from '../ui/search';

export const SHOWS = ['unread', 'unacknowledged', 'muted'] as const;

export interface InboxSearch {
  /** Everything when missing. */
  show?: (typeof SHOWS)[number];
  severity?: Severity;
  type?: string;
  project?: string;
  job?: string;
  datastore?: string;
  since?: string;
  until?: string;
}

export function readInboxSearch(raw: Raw): InboxSearch {
  return tidy<InboxSearch>({
    show: oneOf(raw.show, SHOWS),
    severity: oneOf(raw.severity, SEVERITIES),
    type: typesOf(raw.type).join(','),
    project: textOf(raw.project),
    job: textOf(raw.job),
    datastore: textOf(raw.datastore),
    since: timeOf(raw.since),
    until: timeOf(raw.until),
  });
}

interface InboxQuery {
  unread?: boolean;
  muted?: boolean;
  acknowledged?: boolean;
  type?: string;
  min_severity?: string;
  project?: string;
  job?: string;
  datastore?: string;
  since?: string;
  until?: string;
}

/** The query of `GET /inbox`. Relative times are the hub's to read. */
export function toInboxQuery({ show, severity, ...rest }: InboxSearch): InboxQuery {
  const query: InboxQuery = { ...rest };
  if (show === 'unread') query.unread = true;
  if (show === 'muted') query.muted = true;
  if (show === 'unacknowledged') {
    query.acknowledged = false;
    // What as it should be is nobody's to acknowledge.
    query.min_severity = 'warning';
  }
  if (severity !== undefined && !(show === 'unacknowledged' && SEVERITIES.indexOf(severity) < 2)) query.min_severity = severity;
  return query;
}

/** How many filters are set beside what is shown; a range counts once. */
export function countInboxFilters(search: InboxSearch): number {
  const others = [search.severity, search.type, search.project, search.job, search.datastore];
  return others.filter((value) => value !== undefined).length + ((search.since ?? search.until) === undefined ? 0 : 1);
}

/** The command that lists the same entries. */
export function toInboxCommand(search: InboxSearch): string {
  const query = toInboxQuery(search);
  const flags = [
    query.unread === true ? '--unread' : null,
    query.muted === true ? '--muted' : null,
    query.acknowledged === false ? '--unacknowledged' : null,
    ...([['type', query.type], ['min-severity', query.min_severity], ['project', query.project], ['job', query.job], ['datastore', query.datastore], ['since', query.since], ['until', query.until]] as const)
      .map(([name, value]) => (value === undefined ? null : `--${name} ${shellQuote(value)}`)),
  ];
  return ['ironcore-backup inbox list', ...flags.filter((flag) => flag !== null)].join(' ');
}
