// One entry in full: what happened, what to do about it, who sees to it, and the ways to what it is about.
import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { IconBellOff, IconCheck, IconMail, IconMailOpened, IconX } from '@tabler/icons-react';
import { type ReactNode, useEffect, useRef } from 'react';

import { useInboxEntry, useMarkEntries } from '../api/inbox';
import { useIncidentsOf } from '../api/incidents';
import { type InboxEntry, shortType } from '../api/model';
import { formatDuration } from '../format/time';
import { shellQuote } from '../format/upid';
import { TipCard } from '../tasks/TaskPanel';
import { CommandLine, CopyButton } from '../ui/Copy';
import { Marked } from '../ui/Marked';
import { Failure, Loading } from '../ui/Panel';
import { SeverityBadge, Tag } from '../ui/Severity';
import { Facts } from '../ui/SidePanel';
import { TaskRef } from '../ui/TaskRef';
import { Time } from '../ui/Time';
import { tellFailed } from '../ui/Trouble';
import { EntryButtons } from './EntryButtons';
import classes from './EntryDetail.module.css';

export function EntryDetail({ seq, onClose }: { seq: number; onClose?: () => void }) {
  const { data: entry, isPlaceholderData, error, refetch } = useInboxEntry(seq);
  const mark = useMarkEntries();
  const seen = useRef(false);
  const { mutate } = mark;

  // To open is to read, once: who marks it unread again means it.
  useEffect(() => {
    // What a list knew of it is about to be replaced by what the hub says.
    if (entry === undefined || isPlaceholderData || seen.current) return;
    seen.current = true;
    if (!entry.read) mutate({ seqs: [seq], read: true });
  }, [entry, isPlaceholderData, mutate, seq]);

  if (entry === undefined) {
    return <div className={classes.body}>{error === null ? <Loading rows={8} height={22} /> : <Failure error={error} retry={() => void refetch()} />}</div>;
  }
  const toggle = () => mutate({ seqs: [seq], read: !entry.read }, { onError: (cause) => tellFailed('The entry was not marked', cause) });
  return (
    <article className={classes.body} data-over={onClose === undefined || undefined} aria-label={entry.title}>
      <div className={classes.top}>
        <SeverityBadge severity={entry.severity} />
        <span className={classes.type}>{shortType(entry.event.type)}</span>
        <Time at={entry.event.time} />
        <span className={classes.tools}>
          <Button size="compact-sm" variant="default" leftSection={entry.read ? <IconMail size={15} /> : <IconMailOpened size={15} />} onClick={toggle}>
            {entry.read ? 'Mark unread' : 'Mark read'}
          </Button>
          {onClose !== undefined && (
            <Tooltip label="Close"><ActionIcon variant="subtle" color="gray" aria-label="Close the entry" onClick={onClose}><IconX size={18} stroke={1.8} /></ActionIcon></Tooltip>
          )}
        </span>
      </div>
      <h2 className={classes.title}><Marked text={entry.title} /></h2>
      <Standing entry={entry} />
      <EntryButtons entry={entry} />
      {entry.tips.map((tip, at) => <TipCard key={at} tip={tip} />)}
      <EntryFacts entry={entry} />
      {entry.text != null && entry.text !== '' && (
        <details className={classes.text}>
          <summary>As the inbox plugin puts it</summary>
          <pre>{entry.text}</pre>
        </details>
      )}
      <CommandLine command={`ironcore-backup inbox show ${seq}`} />
    </article>
  );
}

/** Who sees to it, and what kept it from being told. */
function Standing({ entry }: { entry: InboxEntry }) {
  const { acknowledged, silenced, muted } = entry;
  const { error } = entry.event.data;
  return (
    <>
      {error != null && !entry.title.includes(error.message) && (
        <p className={classes.error}><Marked text={error.message} /> <code>{error.code}</code></p>
      )}
      {acknowledged != null && (
        <p className={classes.line}><IconCheck size={16} stroke={2.2} aria-hidden /> <span>{acknowledged.user} sees to it, since <Time at={acknowledged.time} /></span></p>
      )}
      {silenced?.map(({ by, until }) => (
        <p key={by} className={classes.line}>
          <IconBellOff size={16} stroke={1.8} aria-hidden />
          <span>Not told outside: <Link to="/notifications/silences">{by}</Link>, until <Time at={until} /></span>
        </p>
      ))}
      {muted && <p className={classes.line}>You mute entries like this one.</p>}
    </>
  );
}

function EntryFacts({ entry }: { entry: InboxEntry }) {
  const { event } = entry;
  const { data } = event;
  const trouble = entry.severity === 'warning' || entry.severity === 'error';
  const incidents = useIncidentsOf(trouble ? event.id : undefined);
  const job = data.job?.name ?? data.task?.job;
  const check = data.verification;
  const taskLinks = data.task == null ? null : (
    <>
      <TaskRef upid={data.task.upid}>{data.task.type} task</TaskRef>{' · '}
      <Link to="/tasks/$upid" params={{ upid: data.task.upid }} search={{}} hash="log">log</Link>
    </>
  );
  const others = entry.links.filter(({ url }) => /^https?:\/\//.test(url) && !/\/tasks\//.test(url));
  const facts: [string, ReactNode][] = [
    ['Incident', incidents.data !== undefined && incidents.data.incidents.length > 0 && (
      <>{incidents.data.incidents.map((incident) => (
        <Link key={incident.id} to="/incidents/$id" params={{ id: incident.id }} search={{}} className={classes.incident}>
          {incident.number}, {incident.state}{incident.project == null ? ' (of the hub)' : ''}
        </Link>
      ))}</>
    )],
    ['Task', taskLinks],
    ['Project', data.project ?? 'none: the hub’s own'],
    ['Job', job == null ? null : <Link to="/tasks" search={{ job }}>{job}</Link>],
    ['Error code', data.error == null ? null : <code>{data.error.code}</code>],
    ['Snapshot', data.snapshot == null ? null : <span className={classes.copy}><code>{data.snapshot}</code><CopyButton value={data.snapshot} what="snapshot" /></span>],
    ['Verification', check == null ? null : <><Tag kind={check.result === 'OK' ? 'ok' : 'failed'}>{check.result}</Tag> {check.chunks} chunks in {formatDuration(check.duration_us / 1_000)}</>],
    ['Datastore', data.datastore == null ? null : `${data.datastore.name}, ${data.datastore.online ? 'online' : 'offline'}`],
    ['Worker', data.node == null ? null : `${data.node.name} (${data.node.service})`],
    ['By', data.actor],
    ['Message', data.delivery?.message == null ? null : <Link to="/notifications/messages/$id" params={{ id: data.delivery.message }} search={{}}>{data.delivery.group}/{data.delivery.handler}</Link>],
    ['Notification', (
      <>
        <Link to="/notifications/explain" search={{ event: event.id }}>who was told, and why</Link>{' · '}
        <Link to="/notifications/messages" search={{ event: event.id }}>messages</Link>
      </>
    )],
    ['Event', <span key="id" className={classes.copy}><code>{event.id}</code><CopyButton value={event.id} what="event id" /></span>],
    ['See also', others.length === 0 ? null : <>{others.map((link) => <a key={link.url} className={classes.incident} href={link.url} target="_blank" rel="noreferrer noopener">{link.label}</a>)}</>],
  ];
  return (
    <>
      <Facts facts={facts.filter(([, value]) => value !== false)} />
      {data.snapshot != null && <CommandLine command={`ironcore-backup snapshot show ${shellQuote(data.snapshot)} --verify`} />}
    </>
  );
}
