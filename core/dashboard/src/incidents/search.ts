// Which incidents are listed, as it stands in the address.
import type { IncidentState } from '../api/model';
import { shellQuote } from '../format/upid';
import { oneOf, textOf, tidy, type Raw } from '../ui/search';

export const INCIDENT_SHOWS = ['open', 'acknowledged', 'ended', 'all'] as const;

export interface IncidentSearch {
  /** Those that last when missing: open and acknowledged. */
  show?: (typeof INCIDENT_SHOWS)[number];
  project?: string;
}

export function readIncidentSearch(raw: Raw): IncidentSearch {
  return tidy<IncidentSearch>({ show: oneOf(raw.show, INCIDENT_SHOWS), project: textOf(raw.project) });
}

const LASTING: readonly IncidentState[] = ['open', 'acknowledged'];

function states({ show }: IncidentSearch): readonly IncidentState[] {
  if (show === 'all') return [];
  return show === undefined ? LASTING : [show];
}

export function toIncidentQuery(search: IncidentSearch): { state?: string; project?: string } {
  const wanted = states(search);
  return {
    ...(wanted.length === 0 ? {} : { state: wanted.join(',') }),
    ...(search.project === undefined ? {} : { project: search.project }),
  };
}

export function toIncidentCommand(search: IncidentSearch): string {
  const flags = search.show === 'all' ? ['--all'] : search.show === undefined ? [] : [`--state ${search.show}`];
  if (search.project !== undefined) flags.push(`--project ${shellQuote(search.project)}`);
  return ['ironcore-backup incident list', ...flags].join(' ');
}
