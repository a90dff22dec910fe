// Sending again every dead letter that some filters let pass.
import { useState } from 'react';

import { useDeadCount, useReplayAll } from '../api/messages';
import { formatCount } from '../format/bytes';
import { Ask } from '../ui/Ask';
import { CommandLine } from '../ui/Copy';
import { tellDone } from '../ui/Trouble';
import { type MessageSearch, readMessageSearch, toReplayCommand } from './messageSearch';

function described({ project, group, handler, event, since }: MessageSearch): string {
  const parts = [
    handler !== undefined ? `of handler ${group === undefined ? '' : `${group}/`}${handler}` : group !== undefined ? `of group ${group}` : null,
    project !== undefined ? `of project ${project}` : null,
    event !== undefined ? `about event ${event}` : null,
    since !== undefined ? `made since ${since}` : null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? 'Every dead letter that you see' : `Every dead letter ${parts.join(', ')}`;
}

export function ReplayAsk({ filter, onClose }: { filter: MessageSearch; onClose: () => void }) {
  // What it is about stays what was confirmed, whatever becomes of the filters behind.
  const [rest] = useState(() => readMessageSearch({ ...filter, state: undefined }));
  const count = useDeadCount(rest, true);
  const replay = useReplayAll();
  const command = toReplayCommand(rest);
  const many = count.data === undefined ? 'some' : `${formatCount(count.data.count)}${count.data.count_capped ? '+' : ''}`;
  const send = () =>
    replay.mutate(rest, {
      onSuccess: ({ replayed, left_out: left }) => {
        onClose();
        tellDone(`${formatCount(replayed)} sent again`, (left ?? 0) > 0 ? `${formatCount(left ?? 0)} were left out: their handlers are switched off or removed.` : '');
      },
    });
  return (
    <Ask title="Send dead letters again" confirm="Send again" busy={replay.isPending} error={replay.error} onConfirm={send} onClose={onClose}>
      <p>{described(rest)} that was not sent again before is sent again now, as a new message. There are at most {many} of them.</p>
      <p>Those of handlers that are switched off or removed are left out, and counted.</p>
      {command !== null && <div style={{ marginTop: '0.75rem' }}><CommandLine command={command} /></div>}
    </Ask>
  );
}
