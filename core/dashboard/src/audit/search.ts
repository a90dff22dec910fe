// Which changes are listed, as it stands in the address.
import { shellQuote } from '../format/upid';
import { resolveTime } from '../tasks/filters';
import { type Raw, textOf, timeOf, tidy } from '../ui/search';

export interface AuditSearch {
  user?: string;
  /** `user/alice@local`, or all of a kind: `user/`. */
  object?: string;
  since?: string;
  until?: string;
}

export function readAuditSearch(raw: Raw): AuditSearch {
  return tidy<AuditSearch>({ user: textOf(raw.user), object: textOf(raw.object), since: timeOf(raw.since), until: timeOf(raw.until) });
}

export function countAuditFilters({ user, object, since, until }: AuditSearch): number {
  return [user, object, since ?? until].filter((each) => each !== undefined).length;
}

/** The query of `GET /audit`, with relative times made absolute. */
export function toAuditQuery(search: AuditSearch, now: number): { user?: string; object?: string; since?: string; until?: string } {
  const time = (text: string | undefined) => (text === undefined ? undefined : (resolveTime(text, now) ?? undefined));
  return tidy({ user: search.user, object: search.object, since: time(search.since), until: time(search.until) });
}

export function toAuditCommand(search: AuditSearch): string {
  const flags = (['user', 'object', 'since', 'until'] as const).flatMap((key) => (search[key] === undefined ? [] : [`--${key} ${shellQuote(search[key])}`]));
  return ['ironcore-backup audit list', ...flags].join(' ');
}
