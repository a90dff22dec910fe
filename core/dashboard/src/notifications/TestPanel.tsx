// A test message through a handler, or through each of a group, and how it went.
import { Button, NativeSelect } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useState } from 'react';

import { EVENT_TYPES, type EventType, type Group, type TestedHandler } from '../api/model';
import { useTestSend } from '../api/notifications';
import { formatCount } from '../format/bytes';
import { shellQuote } from '../format/upid';
import { CommandLine } from '../ui/Copy';
import { Loading } from '../ui/Panel';
import { Tag } from '../ui/Severity';
import { SidePanel } from '../ui/SidePanel';
import { Trouble } from '../ui/Trouble';
import classes from './TestPanel.module.css';

export function TestPanel({ group, handler, onClose }: { group: Group; handler: string | null; onClose: () => void }) {
  const test = useTestSend();
  const [type, setType] = useState('');
  const send = () => test.mutate({ project: group.project, group: group.name, handler, type: type === '' ? null : (`ironcore.${type}` as EventType) });
  const count = handler === null ? (group.handler ?? []).filter((each) => each.enabled !== false).length : 1;
  const project = group.project == null ? '' : ` --project ${shellQuote(group.project)}`;
  return (
    <SidePanel title={handler === null ? `Test every handler of ${group.name}` : `Test ${group.name}/${handler}`} onClose={onClose}>
      <p className={classes.note}>
        {count === 1 ? 'A test message goes' : `${formatCount(count)} test messages go`} out now and once, to where real messages go. It tells of an event that did not happen, which its
        title says. It is in no list, is not tried again, and a failure switches nothing off. Silences, rules and quiet hours do not count.
      </p>
      <NativeSelect label="It tells of" value={type} data={[{ value: '', label: 'what tests usually tell of' }, ...EVENT_TYPES]} onChange={(event) => setType(event.currentTarget.value)} />
      <div><Button loading={test.isPending} leftSection={<IconSend size={16} stroke={1.8} />} onClick={send}>{test.isSuccess ? 'Send again' : 'Send'}</Button></div>
      <Trouble error={test.error} />
      {test.isPending && <Loading rows={count * 2} />}
      {!test.isPending && test.data !== undefined && (
        <ul className={classes.results} aria-label="How it went">{test.data.handlers.map((each) => <li key={each.handler}><Result tested={each} /></li>)}</ul>
      )}
      <CommandLine command={`ironcore-backup notify test ${shellQuote(handler === null ? group.name : `${group.name}/${handler}`)}${project}${type === '' ? '' : ` --type ${type}`}`} />
    </SidePanel>
  );
}

function Result({ tested }: { tested: TestedHandler }) {
  return (
    <div role="status">
      <div className={classes.head}>
        <strong>{tested.handler}</strong>
        <Tag kind={tested.delivered ? 'ok' : 'failed'}>{tested.delivered ? 'taken' : 'not taken'}</Tag>
        {tested.status != null && <Tag>status {tested.status}</Tag>}
        <small>{formatCount(tested.took_ms)} ms</small>
      </div>
      {tested.receipt != null && <p>Receipt: <code>{tested.receipt}</code></p>}
      {tested.error != null && <p>{tested.error.message} <code>{tested.error.code}</code>{tested.again ? '. A real message would be tried again.' : '. A real message would be a dead letter.'}</p>}
      {tested.detail != null && <pre>{tested.detail}</pre>}
    </div>
  );
}
