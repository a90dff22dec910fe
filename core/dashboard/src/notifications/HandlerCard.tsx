// One handler: where it sends to, what it is told of and how often, and whether it works.
import { Button, Switch } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { IconEye, IconPower, IconSend } from '@tabler/icons-react';
import { useState } from 'react';

import type { FailingHandler, Group, Handler } from '../api/model';
import { useEnableHandler, useSwitchHandler } from '../api/notifications';
import { refusal, useSession } from '../api/rights';
import { Ask } from '../ui/Ask';
import { Tag } from '../ui/Severity';
import { Time } from '../ui/Time';
import { tellDone, Trouble } from '../ui/Trouble';
import { HandlerState } from './GroupsTab';
import classes from './HandlerCard.module.css';
import { destination, filterInWords, pacing } from './words';

interface HandlerCardProps {
  group: Group;
  handler: Handler;
  failure: FailingHandler | undefined;
  onTest: () => void;
  onPreview: () => void;
}

export function HandlerCard({ group, handler, failure, onTest, onPreview }: HandlerCardProps) {
  const session = useSession();
  const denied = refusal(session, 'test-handlers');
  const filter = filterInWords(handler.filter);
  const to = destination(handler.config);
  return (
    <div className={classes.card}>
      <div className={classes.head}>
        <h3>{handler.name}</h3>
        <HandlerState handler={handler} failure={failure} />
        <span className={classes.plugin}>{handler.plugin}{handler.template != null && `, template ${handler.template}`}</span>
        <div className={classes.tools}>
          {/* One that was switched off for its failures has a button of its own below. */}
          {failure?.disabled == null && <Declared group={group} handler={handler} />}
          <Button size="compact-sm" variant="default" disabled={denied !== null} title={denied ?? undefined} leftSection={<IconEye size={15} stroke={1.8} />} aria-label={`Preview what ${handler.name} would send`} onClick={onPreview}>Preview</Button>
          <Button size="compact-sm" variant="default" disabled={denied !== null} title={denied ?? undefined} leftSection={<IconSend size={15} stroke={1.8} />} aria-label={`Send a test through ${handler.name}`} onClick={onTest}>Test</Button>
        </div>
      </div>
      {failure !== undefined && handler.enabled !== false && <Failing group={group} handler={handler} failure={failure} />}
      <dl className={classes.facts}>
        {to !== null && <div><dt>Sends to</dt><dd><code>{to}</code></dd></div>}
        <div><dt>Only if</dt><dd>{filter.length === 0 ? 'no filter of its own' : filter.map((part) => <Tag key={part}>{part}</Tag>)}</dd></div>
        {pacing(handler).map(([name, text]) => <div key={name}><dt>{name}</dt><dd>{text}</dd></div>)}
        <div>
          <dt>Messages</dt>
          <dd>
            <Link to="/notifications/messages" search={{ group: group.name, handler: handler.name, ...(group.project == null ? {} : { project: group.project }) }}>all</Link>{', '}
            <Link to="/notifications/messages" search={{ group: group.name, handler: handler.name, state: 'dead', ...(group.project == null ? {} : { project: group.project }) }}>dead letters</Link>
          </dd>
        </div>
      </dl>
    </div>
  );
}

/** Whether the handler is declared as on; what it failed of is another matter. */
function Declared({ group, handler }: { group: Group; handler: Handler }) {
  const session = useSession();
  const change = useSwitchHandler();
  const [asked, setAsked] = useState(false);
  const denied = refusal(session, 'configure');
  const on = handler.enabled !== false;
  const leave = () => {
    setAsked(false);
    change.reset();
  };
  const confirm = () =>
    change.mutate({ project: group.project, group: group.name, handler: handler.name, enabled: !on }, {
      onSuccess: () => {
        leave();
        tellDone(on ? `${handler.name} is switched off` : `${handler.name} is on`);
      },
    });
  return (
    <>
      <Switch size="xs" className={classes.declared ?? ''} checked={on} disabled={denied !== null} title={denied ?? undefined} label="On" aria-label={`On: ${handler.name}`} onChange={() => setAsked(true)} />
      {asked && (
        <Ask title={on ? `Switch ${handler.name} off` : `Switch ${handler.name} on`} confirm={on ? 'Switch off' : 'Switch on'} danger={on} busy={change.isPending} error={change.error} onConfirm={confirm} onClose={leave}>
          <p>{on ? 'It is told of nothing that happens from now on, until it is switched on again.' : 'It is told of what happens from now on.'}</p>
          <p>The group is declared with this one thing changed.</p>
        </Ask>
      )}
    </>
  );
}

function Failing({ group, handler, failure }: { group: Group; handler: Handler; failure: FailingHandler }) {
  const session = useSession();
  const enable = useEnableHandler();
  const denied = refusal(session, 'configure');
  const off = failure.disabled != null;
  return (
    <div className={classes.failing} data-off={off || undefined}>
      <p>
        {off ? <>Switched off <Time at={failure.disabled ?? ''} ago />: it is told of nothing. </> : failure.failing_since != null && <>Failing since <Time at={failure.failing_since} />. </>}
        Last error: {failure.error.message} <code>{failure.error.code}</code>
      </p>
      {off && (
        <div className={classes.switch}>
          <Button
            size="xs" variant="default" loading={enable.isPending} disabled={denied !== null} leftSection={<IconPower size={15} stroke={1.9} />}
            onClick={() => enable.mutate({ project: group.project, group: group.name, handler: handler.name }, { onSuccess: () => tellDone(`${handler.name} is on again`, 'What was given up meanwhile stays so until it is sent again.') })}
          >
            Switch on
          </Button>
          <small>{denied ?? 'What was given up meanwhile stays so until it is sent again.'}</small>
        </div>
      )}
      <Trouble error={enable.error} />
    </div>
  );
}
