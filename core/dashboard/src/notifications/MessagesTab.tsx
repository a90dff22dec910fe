// Messages: what each handler was told, whether it arrived, and sending again what did not.
import { Button } from '@mantine/core';
import { getRouteApi, Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { IconFilterOff, IconHash, IconMail, IconRepeat, IconX } from '@tabler/icons-react';
import { useMemo, useState } from 'react';

import { useMessages } from '../api/messages';
import { useGroups } from '../api/notifications';
import { refusal, useSession } from '../api/rights';
import { formatCount } from '../format/bytes';
import { TextFilter } from '../tasks/FilterBar';
import bar from '../tasks/FilterBar.module.css';
import { ChoiceFilter } from '../tasks/FilterMenu';
import { SPANS } from '../tasks/filters';
import { CommandLine } from '../ui/Copy';
import { More } from '../ui/More';
import { OneFilter } from '../ui/OneFilter';
import { Empty, Failure, Loading } from '../ui/Panel';
import { ProjectFilter } from '../ui/ProjectFilter';
import { someOf } from '../ui/search';
import { MessagePanel } from './MessagePanel';
import { countMessageFilters, MESSAGE_STATES, type MessageSearch, readMessageSearch, toMessageCommand } from './messageSearch';
import classes from './MessagesTab.module.css';
import { MessageTable } from './MessageTable';
import { ReplayAsk } from './ReplayAsk';
import { lowerFirst } from './words';

const route = getRouteApi('/notifications/messages');
const panelRoute = getRouteApi('/notifications/messages/$id');

export function MessagesTab() {
  const search = route.useSearch();
  const { id } = useParams({ strict: false });
  const navigate = useNavigate();
  const session = useSession();
  const list = useMessages(search);
  const [asked, setAsked] = useState(false);
  const messages = useMemo(() => {
    const all = list.data?.pages.flatMap((page) => page.messages) ?? [];
    return [...new Map(all.map((message) => [message.id, message])).values()];
  }, [list.data]);
  const first = list.data?.pages[0];
  const denied = refusal(session, 'replay-messages');
  const command = toMessageCommand(search);
  const change = (next: MessageSearch) => void navigate({ to: '/notifications/messages', search: next, resetScroll: false });

  return (
    <>
      <Filters search={search} onChange={change} />
      <div className={classes.line}>
        <span className={classes.count} role="status">
          {first !== undefined && `${formatCount(first.count)}${first.count_capped ? '+' : ''} ${first.count === 1 ? 'message' : 'messages'}`}
          {denied !== null && ` · To send again: ${lowerFirst(denied)}`}
        </span>
        <Button size="xs" variant="default" disabled={denied !== null} title={denied ?? undefined} leftSection={<IconRepeat size={15} stroke={1.8} />} onClick={() => setAsked(true)}>
          Send dead letters again
        </Button>
      </div>
      <section className={classes.frame} aria-label="Messages" data-stale={list.isPlaceholderData || undefined}>
        {list.data === undefined && (
          <div className={classes.pad}>
            {list.error === null ? <Loading rows={12} height={28} /> : <Failure error={list.error} retry={() => void list.refetch()} />}
          </div>
        )}
        {list.data !== undefined && messages.length === 0 && (countMessageFilters(search) > 0 ? (
          <Empty icon={<IconFilterOff size={21} stroke={1.7} />} title="No message matches these filters"><Button variant="default" size="xs" mt={6} onClick={() => change({})}>Clear filters</Button></Empty>
        ) : (
          <Empty icon={<IconMail size={21} stroke={1.7} />} title="No message was made yet">What handlers are told will be listed here.</Empty>
        ))}
        {messages.length > 0 && <MessageTable messages={messages} selected={id} />}
        <More list={list} />
      </section>
      {command !== null && <CommandLine command={command} />}
      <Outlet />
      {asked && <ReplayAsk filter={search} onClose={() => setAsked(false)} />}
    </>
  );
}

function Filters({ search, onChange }: { search: MessageSearch; onChange: (search: MessageSearch) => void }) {
  const groups = useGroups().data?.groups ?? [];
  const ofProject = groups.filter((group) => search.project === undefined || group.project === search.project);
  const handlers = ofProject.filter((group) => search.group === undefined || group.name === search.group).flatMap((group) => group.handler ?? []);
  const change = (part: { [K in keyof MessageSearch]: MessageSearch[K] | undefined }) => onChange(readMessageSearch({ ...search, ...part }));
  return (
    <search className={bar.bar}>
      <ChoiceFilter label="State" options={MESSAGE_STATES} shown={{ pending: 'pending', sending: 'sending', delivered: 'delivered', dead: 'dead letter' }} value={someOf(search.state, MESSAGE_STATES)} onChange={(states) => change({ state: states.join(',') })} />
      <ProjectFilter any="Every project, and the hub" value={search.project} onChange={(project) => change({ project })} />
      <OneFilter label="Group" any="Every group" options={[...new Set(ofProject.map((group) => group.name))]} value={search.group} onChange={(group) => change({ group, handler: undefined })} />
      <OneFilter label="Handler" any="Every handler" options={[...new Set(handlers.map((handler) => handler.name))]} value={search.handler} onChange={(handler) => change({ handler })} />
      <OneFilter label="Made" any="Any time" options={SPANS} value={search.since} onChange={(since) => change({ since })} />
      <TextFilter label="Event id" icon={<IconHash size={16} stroke={1.7} />} value={search.event ?? ''} onChange={(event) => change({ event })} />
      {countMessageFilters(search) > 0 && <Button variant="subtle" color="gray" leftSection={<IconX size={15} aria-hidden />} onClick={() => onChange({})}>Clear</Button>}
    </search>
  );
}

/** The panel at a message's own address. */
export function MessageRoutePanel() {
  const { id } = panelRoute.useParams();
  const navigate = useNavigate();
  return (
    <MessagePanel
      key={id} id={id}
      onClose={() => void navigate({ to: '/notifications/messages', search: (search: MessageSearch) => search, resetScroll: false })}
      onOpen={(next) => void navigate({ to: '/notifications/messages/$id', params: { id: next }, search: (search: MessageSearch) => search, resetScroll: false })}
    />
  );
}
