// The filters of messages as they stand in the address, and what they mean to the API and on the command line.
import type { MessageState } from '../api/model';
import { shellQuote } from '../format/upid';
import { resolveTime } from '../tasks/filters';
import { someOf, textOf, tidy, timeOf, type Raw } from '../ui/search';

export const MESSAGE_STATES = ['pending', 'sending', 'delivered', 'dead'] as const satisfies readonly MessageState[];

export interface MessageSearch {
  state?: string;
  project?: string;
  group?: string;
  handler?: string;
  event?: string;
  since?: string;
}

export function readMessageSearch(raw: Raw): MessageSearch {
  return tidy<MessageSearch>({
    state: someOf(raw.state, MESSAGE_STATES).join(','),
    project: textOf(raw.project),
    group: textOf(raw.group),
    handler: textOf(raw.handler),
    event: textOf(raw.event),
    since: timeOf(raw.since),
  });
}

/** The query of `GET /messages`, with a relative time made absolute. */
export function toMessageQuery(search: MessageSearch, now: number): MessageSearch {
  const since = search.since === undefined ? null : resolveTime(search.since, now);
  return since === null ? { ...search } : { ...search, since };
}

export function countMessageFilters(search: MessageSearch): number {
  return Object.values(search).filter((value) => value !== undefined).length;
}

function handlerFlag({ group, handler }: MessageSearch): string[] {
  return handler === undefined ? [] : [`--handler ${shellQuote(group === undefined ? handler : `${group}/${handler}`)}`];
}

/** The command that lists the same messages; null where the command line has not all of these filters. */
export function toMessageCommand(search: MessageSearch): string | null {
  if ([search.project, search.event, search.since].some((value) => value !== undefined)) return null;
  if (search.group !== undefined && search.handler === undefined) return null;
  return ['ironcore-backup message list', ...(search.state === undefined ? [] : [`--state ${search.state}`]), ...handlerFlag(search)].join(' ');
}

/** The command that sends the same dead letters again. */
export function toReplayCommand(search: MessageSearch): string | null {
  const flags = handlerFlag(search);
  if (search.group !== undefined && search.handler === undefined) return null;
  if (search.project !== undefined) flags.push(`--project ${shellQuote(search.project)}`);
  if (search.since !== undefined) flags.push(`--since ${shellQuote(search.since)}`);
  return flags.length === 0 ? null : ['ironcore-backup message replay', ...flags].join(' ');
}
