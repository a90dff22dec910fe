// The inbox: every event that the token sees, what this user has read of it, and what can be done about it.
import { Button } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { IconArrowUp, IconFilterOff, IconInbox, IconMailOpened } from '@tabler/icons-react';
import { useMemo, useRef } from 'react';

import { useInbox, useInboxCounts } from '../api/inbox';
import { newsKeys } from '../api/news';
import { formatCount } from '../format/bytes';
import { CommandLine } from '../ui/Copy';
import { More } from '../ui/More';
import { Empty, Failure, Loading, PageHead } from '../ui/Panel';
import { SidePanel } from '../ui/SidePanel';
import { countsInWords } from './counts';
import { EntryDetail } from './EntryDetail';
import { InboxFilters } from './InboxFilters';
import classes from './InboxPage.module.css';
import { InboxList } from './InboxList';
import { InboxTools } from './InboxTools';
import { MutesPanel } from './MutesPanel';
import { countInboxFilters, type InboxSearch, readInboxSearch, toInboxCommand } from './search';
import { useInboxKeys } from './useInboxKeys';

const route = getRouteApi('/inbox');
const entryRoute = getRouteApi('/inbox/$seq');
/** Where an entry stands beside the list, as the style sheet has it. */
const BESIDE = '(min-width: 68.01em)';

export function InboxPage() {
  const { mutes, ...search } = route.useSearch();
  const { seq } = useParams({ strict: false });
  const navigate = useNavigate();
  const client = useQueryClient();
  const counts = useInboxCounts();
  const list = useInbox(search);
  const behind = useQuery({ queryKey: newsKeys.inboxBehind, queryFn: () => 0, enabled: false, initialData: 0 }).data;
  const box = useRef<HTMLDivElement>(null);
  const entries = useMemo(() => {
    const all = list.data?.pages.flatMap((page) => page.entries) ?? [];
    return [...new Map(all.map((entry) => [entry.seq, entry])).values()];
  }, [list.data]);
  const onKeyDown = useInboxKeys(box, entries, () => void navigate({ to: '/inbox', search, resetScroll: false }));

  const change = (next: InboxSearch) => {
    client.setQueryData(newsKeys.inboxBehind, 0);
    void navigate({ to: '/inbox', search: next, resetScroll: false });
  };
  const showNew = () => {
    client.setQueryData(newsKeys.inboxBehind, 0);
    void client.resetQueries({ queryKey: newsKeys.inboxList(search) });
    window.scrollTo({ top: 0 });
  };
  // What happened meanwhile may or may not pass the filters.
  const filtered = countInboxFilters(search) > 0 || search.show !== undefined;
  // Nothing to choose from is said once, not beside an invitation to choose.
  const nothing = list.data !== undefined && entries.length === 0 && seq === undefined;
  const openMutes = (open: boolean) => void navigate({ to: '.', search: { ...search, ...(open ? { mutes: 'yes' } : {}) }, resetScroll: false });

  return (
    <>
      <PageHead title="Inbox">
        <span className={classes.count} role="status">{counts.data !== undefined && countsInWords(counts.data)}</span>
        <InboxTools search={search} newest={entries[0]?.seq} onMutes={() => openMutes(true)} />
      </PageHead>
      <InboxFilters search={search} onChange={change} />
      {/* Keys work while the focus is in the list or in an entry; both are made of links and buttons. */}
      {/* eslint-disable-next-line jsx-a11y/no-static-element-interactions */}
      <div className={classes.grid} ref={box} onKeyDown={onKeyDown} data-single={nothing || undefined}>
        <section className={classes.frame} aria-label="Entries" data-stale={list.isPlaceholderData || undefined}>
          {behind > 0 && (
            <div className={classes.news}>
              <Button size="compact-sm" variant="subtle" leftSection={<IconArrowUp size={15} />} onClick={showNew}>
                {filtered ? 'Look for new entries' : behind === 1 ? 'Show 1 new entry' : `Show ${formatCount(behind)} new entries`}
              </Button>
            </div>
          )}
          {list.data === undefined && (
            <div className={classes.pad}>
              {list.error === null ? <Loading rows={12} height={44} /> : <Failure error={list.error} retry={() => void list.refetch()} />}
            </div>
          )}
          {list.data !== undefined && entries.length === 0 && <Nothing search={search} clear={() => change({})} />}
          {entries.length > 0 && <InboxList entries={entries} selected={seq === undefined ? undefined : Number(seq)} />}
          <More list={list} />
        </section>
        {!nothing && <div className={classes.pane}>
          {seq === undefined ? (
            <Empty icon={<IconMailOpened size={21} stroke={1.7} />} title="Choose an entry to read it">
              <p className={classes.keys}><kbd>j</kbd> <kbd>k</kbd> or arrows move, <kbd>Enter</kbd> opens, <kbd>r</kbd> marks read or unread.</p>
            </Empty>
          ) : (
            <Outlet />
          )}
        </div>}
      </div>
      <CommandLine command={toInboxCommand(search)} />
      {mutes !== undefined && <MutesPanel onClose={() => openMutes(false)} />}
    </>
  );
}

function Nothing({ search, clear }: { search: InboxSearch; clear: () => void }) {
  if (countInboxFilters(search) === 0 && search.show === 'unread') {
    return <Empty icon={<IconMailOpened size={21} stroke={1.7} />} title="You have read everything"><Button variant="default" size="xs" mt={6} onClick={clear}>Show all entries</Button></Empty>;
  }
  if (countInboxFilters(search) > 0 || search.show !== undefined) {
    return <Empty icon={<IconFilterOff size={21} stroke={1.7} />} title="No entry matches these filters"><Button variant="default" size="xs" mt={6} onClick={clear}>Clear filters</Button></Empty>;
  }
  return <Empty icon={<IconInbox size={21} stroke={1.7} />} title="The inbox is empty">Whatever happens on this hub will be told here.</Empty>;
}

/** One entry: beside the list where there is room, over it where there is none. */
export function InboxRouteEntry() {
  const { seq } = entryRoute.useParams();
  const navigate = useNavigate();
  const beside = useMediaQuery(BESIDE, true, { getInitialValueInEffect: false });
  const close = () => void navigate({ to: '/inbox', search: (search: Record<string, unknown>) => readInboxSearch(search), resetScroll: false });
  const number = Number(seq);
  if (!Number.isSafeInteger(number) || number < 1) return <Empty icon={<IconInbox size={21} />} title="There is no such entry">Entries are numbered from 1.</Empty>;
  const detail = <EntryDetail key={number} seq={number} {...(beside ? { onClose: close } : {})} />;
  return beside ? detail : <SidePanel title={`Entry ${number}`} path={`/inbox/${number}`} onClose={close}>{detail}</SidePanel>;
}
