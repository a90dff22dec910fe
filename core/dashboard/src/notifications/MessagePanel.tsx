// One message: whom it tells of what, and each attempt with what was sent and answered.
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { IconRepeat } from '@tabler/icons-react';
import { useState } from 'react';

import { useMessage, useReplay } from '../api/messages';
import type { Message, MessageDetail } from '../api/model';
import { HUB } from '../api/notifications';
import { refusal, useSession } from '../api/rights';
import { formatCount } from '../format/bytes';
import { Ask } from '../ui/Ask';
import { CommandLine, CopyButton } from '../ui/Copy';
import { Failure, Loading } from '../ui/Panel';
import { SeveritySign } from '../ui/Severity';
import { Facts, Section, SidePanel } from '../ui/SidePanel';
import { Time } from '../ui/Time';
import { tellDone, Trouble } from '../ui/Trouble';
import { AttemptCard } from './AttemptCard';
import classes from './MessagePanel.module.css';
import { MessageState } from './MessageTable';

export function MessagePanel({ id, onClose, onOpen }: { id: string; onClose: () => void; onOpen: (id: string) => void }) {
  const { data, error, refetch } = useMessage(id);
  return (
    <SidePanel
      title={data === undefined ? 'Message' : `${data.message.group}/${data.message.handler}`}
      badge={data !== undefined && <MessageState state={data.message.state} />}
      path={`/notifications/messages/${id}`}
      onClose={onClose}
      wide
    >
      {data === undefined ? (error === null ? <Loading rows={10} height={22} /> : <Failure error={error} retry={() => void refetch()} />) : <Body detail={data} onOpen={onOpen} />}
    </SidePanel>
  );
}

function Body({ detail: { message, attempts, events }, onOpen }: { detail: MessageDetail; onOpen: (id: string) => void }) {
  return (
    <>
      {message.error != null && message.state !== 'delivered' && <p className={classes.error}>{message.error.message} <code>{message.error.code}</code></p>}
      <Replay message={message} onOpen={onOpen} />
      <Facts
        facts={[
          ['Kind', message.kind],
          ['Plugin', message.plugin],
          // The handlers that are built in, such as the one of the inbox, belong to no group that is declared.
          ['Group', message.group.startsWith('hub.') ? 'built in' : <Link key="group" to="/notifications/groups/$project/$name" params={{ project: message.project ?? HUB, name: message.group }} search={{}}>{message.project ?? 'the hub'}: {message.group}</Link>],
          ['Recipient', message.recipient],
          ['Made', <Time key="made" at={message.created} />],
          ['Next attempt', message.next_attempt == null ? null : <Time at={message.next_attempt} />],
          ['Ended', message.ended == null ? null : <Time at={message.ended} />],
          ['Attempts', formatCount(message.attempts)],
          ['Sent again by hand', message.replay === 0 ? null : `time ${message.replay}`],
          ['Receipt', message.receipt == null ? null : <code>{message.receipt}</code>],
          ['Id, as its receiver sees it', <span key="id" className={classes.copy}><code>{message.id}</code><CopyButton value={message.id} what="message id" /></span>],
          ['Thread', <code key="thread">{message.thread}</code>],
        ]}
      />
      <Section title={attempts.length === 1 ? '1 attempt' : `${formatCount(attempts.length)} attempts`}>
        {attempts.length === 0 ? <p className={classes.note}>It was not tried yet.</p> : (
          // The last attempt says most.
          <div className={classes.attempts}>{attempts.toReversed().map((attempt, at) => <AttemptCard key={attempt.number} attempt={attempt} open={at === 0} />)}</div>
        )}
      </Section>
      <Section title={events.length === 1 ? 'It tells of' : `It tells of ${formatCount(events.length)} events`}>
        <ul className={classes.events}>
          {events.map(({ seq, event }) => (
            <li key={seq}>
              <SeveritySign severity={event.data.severity} />
              <Link to="/inbox/$seq" params={{ seq: String(seq) }} search={{}}>{event.data.title}</Link>
            </li>
          ))}
        </ul>
      </Section>
      <CommandLine command={`ironcore-backup message show ${message.id}`} />
    </>
  );
}

function Replay({ message, onOpen }: { message: Message; onOpen: (id: string) => void }) {
  const session = useSession();
  const replay = useReplay();
  const [asked, setAsked] = useState(false);
  if (message.state !== 'delivered' && message.state !== 'dead') return null;
  const denied = refusal(session, 'replay-messages');
  const send = () =>
    replay.mutate(message.id, {
      onSuccess: ({ id }) => {
        setAsked(false);
        tellDone('Sent again, as a new message');
        onOpen(id);
      },
    });
  return (
    <>
      <div className={classes.actions}>
        <Button size="xs" variant="default" disabled={denied !== null} leftSection={<IconRepeat size={15} stroke={1.8} />} onClick={() => setAsked(true)}>Send again</Button>
        {denied !== null && <span className={classes.note}>{denied}</span>}
      </div>
      {asked && (
        <Ask title="Send this message again" confirm="Send again" busy={replay.isPending} error={null} onConfirm={send} onClose={() => { setAsked(false); replay.reset(); }}>
          <p>{message.group}/{message.handler} is told once more of the same, now and as a new message.{message.state === 'delivered' && ' It was delivered before, so its receiver hears of it twice.'}</p>
          <Trouble error={replay.error} />
        </Ask>
      )}
    </>
  );
}
