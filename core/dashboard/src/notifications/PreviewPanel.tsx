// What a handler would make of an event: a mail as its readers see it, a webhook as the request that would be sent.
import { Button, NativeSelect, SegmentedControl, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { type SubmitEvent, useState } from 'react';

import { shortType } from '../api/model';
import { type HandlerAddress, usePreview, useRecentEvents } from '../api/notifications';
import { formatTime } from '../format/time';
import { shellQuote } from '../format/upid';
import { useZone } from '../shell/zone';
import { CommandLine, CopyButton } from '../ui/Copy';
import { Failure, Loading } from '../ui/Panel';
import { Tag } from '../ui/Severity';
import { Facts, Section, SidePanel } from '../ui/SidePanel';
import { Time } from '../ui/Time';
import { pretty } from './bodies';
import classes from './PreviewPanel.module.css';

interface PreviewPanelProps {
  address: HandlerAddress;
  event: string | undefined;
  onEvent: (event: string | undefined) => void;
  onClose: () => void;
}

export function PreviewPanel({ address, event, onEvent, onClose }: PreviewPanelProps) {
  const { zone } = useZone();
  const recent = useRecentEvents(address.project);
  const [typed, setTyped] = useState('');
  const entries = recent.data?.entries ?? [];
  // The newest failure says most about a template; else the newest event.
  const usual = entries.find((entry) => entry.severity === 'error') ?? entries[0];
  const chosen = event ?? usual?.event.id;
  const { data, error, refetch } = usePreview(address, chosen);
  const listed = entries.some((entry) => entry.event.id === chosen);
  const submit = (submitted: SubmitEvent) => {
    submitted.preventDefault();
    if (typed.trim() !== '') onEvent(typed.trim());
  };
  const project = address.project == null ? '' : ` --project ${shellQuote(address.project)}`;

  return (
    <SidePanel title={`Preview of ${address.group}/${address.handler}`} onClose={onClose} wide>
      <p className={classes.note}>Nothing is sent, and no secret is opened: secrets stand as their names.</p>
      <div className={classes.choose}>
        <NativeSelect
          label="Event" value={listed ? chosen : ''} onChange={(change) => { if (change.currentTarget.value !== '') onEvent(change.currentTarget.value); }}
          data={[...(listed ? [] : [{ value: '', label: chosen ?? 'none yet' }]), ...entries.map((entry) => ({ value: entry.event.id, label: `${formatTime(entry.event.time, zone)}  ${shortType(entry.event.type)}  ${entry.title.slice(0, 90)}` }))]}
        />
        <form onSubmit={submit} className={classes.byId}>
          <TextInput label="Or an event by its id" value={typed} spellCheck={false} autoComplete="off" onChange={(change) => setTyped(change.currentTarget.value)} />
          <Button type="submit" variant="default" disabled={typed.trim() === ''}>Show</Button>
        </form>
      </div>
      {chosen === undefined && recent.data !== undefined && <p className={classes.note}>Nothing has happened yet that could be previewed.</p>}
      {data === undefined && chosen !== undefined && (error === null ? <Loading rows={8} height={24} /> : <Failure error={error} retry={() => void refetch()} />)}
      {data !== undefined && (
        <>
          {data.problem != null && <p className={classes.problem} role="alert">{data.problem.message} <code>{data.problem.code}</code></p>}
          {data.templates.map((text) => <p key={text} className={classes.problem} role="alert">{text}</p>)}
          {data.made.map((made, at) => (made.kind === 'mail'
            ? <Mail key={at} from={made.from} to={made.to} subject={made.subject} text={made.text} html={made.html ?? null} />
            : <Request key={at} method={made.method} url={made.url} headers={made.headers} body={made.body} />))}
          <Section title="Really sent about this event">
            {data.sent.length === 0 ? <p className={classes.note}>Nothing yet, by this handler.</p> : (
              <ul className={classes.sent}>
                {data.sent.map(({ message }) => (
                  <li key={message.id}>
                    <Link to="/notifications/messages/$id" params={{ id: message.id }} search={{}}>{message.kind}</Link>
                    <Tag kind={message.state === 'dead' ? 'failed' : message.state === 'delivered' ? 'ok' : 'running'}>{message.state}</Tag>
                    <Time at={message.created} />
                  </li>
                ))}
              </ul>
            )}
          </Section>
          <CommandLine command={`ironcore-backup notify preview ${data.event.id} --handler ${shellQuote(`${address.group}/${address.handler}`)}${project}`} />
        </>
      )}
    </SidePanel>
  );
}

function Mail({ from, to, subject, text, html }: { from: string; to: readonly string[]; subject: string; text: string; html: string | null }) {
  const [part, setPart] = useState(html === null ? 'text' : 'html');
  return (
    <Section title="Mail" side={html !== null && <SegmentedControl size="xs" aria-label="Which part" value={part} onChange={setPart} data={[{ value: 'html', label: 'HTML' }, { value: 'text', label: 'Plain text' }]} />}>
      <p className={classes.subject}>{subject}</p>
      <Facts facts={[['From', from], ['To', to.join(', ')]]} />
      {/* No scripts, no forms, no origin of its own: what a template makes is only looked at. */}
      {part === 'html' && html !== null ? <iframe className={classes.mail} sandbox="" srcDoc={html} title={`Mail: ${subject}`} /> : <Body text={text} what="text" />}
    </Section>
  );
}

function Request({ method, url, headers, body }: { method: string; url: string; headers: readonly (readonly string[])[]; body: string }) {
  return (
    <Section title="Request">
      <p className={classes.line}><Tag kind="running">{method}</Tag> <code>{url}</code></p>
      <dl className={classes.headers}>
        {headers.map(([name, value], at) => <div key={at}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
      <Body text={pretty(body)} what="body" />
    </Section>
  );
}

function Body({ text, what }: { text: string; what: string }) {
  return (
    <div className={classes.body}>
      <span className={classes.copy}><CopyButton value={text} what={what} /></span>
      {/* A scrolling region has to be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} role="region" aria-label={`The ${what}`}>{text}</pre>
    </div>
  );
}
