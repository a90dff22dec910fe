// Marking many entries at once, and the way to the mute rules.
import { Button, Menu } from '@mantine/core';
import { IconChecks, IconChevronDown, IconVolumeOff } from '@tabler/icons-react';
import { useState } from 'react';

import { useMarkAllRead, useMarkFiltered, useMutes } from '../api/inbox';
import { formatCount } from '../format/bytes';
import { Ask } from '../ui/Ask';
import { tellDone, tellFailed } from '../ui/Trouble';
import classes from './InboxTools.module.css';
import { countInboxFilters, type InboxSearch } from './search';

const entries = (count: number) => (count === 1 ? '1 entry' : `${formatCount(count)} entries`);

export function InboxTools({ search, newest, onMutes }: { search: InboxSearch; newest: number | undefined; onMutes: () => void }) {
  const mutes = useMutes();
  const all = useMarkAllRead();
  const some = useMarkFiltered();
  const [asked, setAsked] = useState<'read' | 'unread' | 'all' | null>(null);
  const [done, setDone] = useState<number | null>(null);
  const filtered = countInboxFilters(search) > 0 || search.show !== undefined;

  const markSome = (read: boolean) => {
    setAsked(null);
    setDone(0);
    some.mutate({ search, read, onStep: setDone }, {
      onSuccess: (count) => tellDone(`${entries(count)} marked as ${read ? 'read' : 'unread'}`),
      onError: (error) => tellFailed('Not all entries were marked', error),
      onSettled: () => setDone(null),
    });
  };
  const markAll = () => {
    if (newest === undefined) return;
    all.mutate(newest, {
      onSuccess: ({ changed }) => {
        setAsked(null);
        tellDone(`${entries(changed)} marked as read`);
      },
    });
  };

  return (
    <div className={classes.tools}>
      <Menu position="bottom-start" withinPortal>
        <Menu.Target>
          <Button variant="default" size="xs" loading={done !== null} disabled={newest === undefined} leftSection={<IconChecks size={16} stroke={1.8} />} rightSection={<IconChevronDown size={14} aria-hidden />}>
            Mark
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {filtered && <Menu.Item onClick={() => setAsked('read')}>What these filters show as read</Menu.Item>}
          {filtered && <Menu.Item onClick={() => setAsked('unread')}>What these filters show as unread</Menu.Item>}
          <Menu.Item disabled={search.show !== undefined && search.show !== 'unread'} onClick={() => setAsked('all')}>Everything as read</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Button variant="default" size="xs" leftSection={<IconVolumeOff size={16} stroke={1.8} />} onClick={onMutes}>
        Mute rules{mutes.data !== undefined && mutes.data.mutes.length > 0 && ` (${mutes.data.mutes.length})`}
      </Button>
      {done !== null && <span className={classes.progress} role="status">{entries(done)} marked so far</span>}
      {asked === 'all' && (
        <Ask title="Mark everything as read" confirm="Mark as read" busy={all.isPending} error={all.error} onConfirm={markAll} onClose={() => setAsked(null)}>
          Every entry up to the newest one on this page counts as read for you, whatever the filters show. Others are not concerned.
        </Ask>
      )}
      {(asked === 'read' || asked === 'unread') && (
        <Ask title={`Mark as ${asked}`} confirm={`Mark as ${asked}`} busy={false} error={null} onConfirm={() => markSome(asked === 'read')} onClose={() => setAsked(null)}>
          Every entry that these filters let pass is marked as {asked} for you, also those that are not loaded yet. Others are not concerned.
        </Ask>
      )}
    </div>
  );
}
