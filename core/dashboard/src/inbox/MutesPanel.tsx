// What the user mutes: the rules, a form for another, and taking one back.
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { IconTrash, IconVolumeOff } from '@tabler/icons-react';
import { type SubmitEvent, useState } from 'react';

import { useAddMute, useMutes, useRemoveMute } from '../api/inbox';
import { EVENT_TYPES, type EventType, type Mute, type MuteWish, type Severity, SEVERITIES, shortType } from '../api/model';
import { Empty, Failure, Loading } from '../ui/Panel';
import { Section, SidePanel } from '../ui/SidePanel';
import { Time } from '../ui/Time';
import { tellDone, tellFailed, Trouble } from '../ui/Trouble';
import classes from './MutesPanel.module.css';

const HOUR = 3_600_000;
const SPANS = [
  { value: '', label: 'until taken back' },
  { value: String(HOUR), label: 'for an hour' },
  { value: String(8 * HOUR), label: 'for 8 hours' },
  { value: String(24 * HOUR), label: 'for a day' },
  { value: String(7 * 24 * HOUR), label: 'for a week' },
];

/** `task.completed of job nightly, less than error`. */
export function ruleInWords(rule: Mute['rule']): string {
  const out: string[] = [];
  out.push(rule.type == null ? 'everything' : shortType(rule.type));
  if (rule.job != null) out.push(`of job ${rule.job}`);
  if (rule.datastore != null) out.push(`about datastore ${rule.datastore}`);
  if (rule['min-severity'] != null) out.push(`that matters less than ${rule['min-severity']}`);
  return out.join(' ');
}

export function MutesPanel({ onClose }: { onClose: () => void }) {
  const { data, error, refetch } = useMutes();
  const remove = useRemoveMute();
  return (
    <SidePanel title="Mute rules" onClose={onClose}>
      <p className={classes.note}>
        What a rule mutes stays in your inbox, but is neither unread nor counted. Rules are your own, and change nothing about mails and webhooks.
      </p>
      <Section title="Rules">
        {data === undefined && (error === null ? <Loading rows={3} height={36} /> : <Failure error={error} retry={() => void refetch()} />)}
        {data?.mutes.length === 0 && <Empty icon={<IconVolumeOff size={20} stroke={1.7} />} title="You mute nothing">Make a rule below.</Empty>}
        {data !== undefined && data.mutes.length > 0 && (
          <ul className={classes.rules}>
            {data.mutes.map(({ number, rule, created }) => (
              <li key={number}>
                <div>
                  <strong>{ruleInWords(rule)}</strong>
                  <small>made <Time at={created} ago />{rule.until != null && <>, until <Time at={rule.until} /></>}</small>
                </div>
                <Button
                  size="xs" variant="default" leftSection={<IconTrash size={14} />} loading={remove.isPending && remove.variables === number}
                  aria-label={`Take back the rule about ${ruleInWords(rule)}`}
                  onClick={() => remove.mutate(number, { onSuccess: () => tellDone('The rule was taken back', 'What it muted counts again.'), onError: (cause) => tellFailed('The rule was not taken back', cause) })}
                >
                  Take back
                </Button>
              </li>
            ))}
          </ul>
        )}
      </Section>
      <Section title="Another rule"><MuteForm /></Section>
    </SidePanel>
  );
}

function MuteForm() {
  const add = useAddMute();
  const [type, setType] = useState('');
  const [job, setJob] = useState('');
  const [datastore, setDatastore] = useState('');
  const [severity, setSeverity] = useState('');
  const [span, setSpan] = useState('');
  const nothing = type === '' && job.trim() === '' && datastore.trim() === '' && severity === '';

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const rule: MuteWish = {};
    if (type !== '') rule.type = `ironcore.${type}` as EventType;
    if (job.trim() !== '') rule.job = job.trim();
    if (datastore.trim() !== '') rule.datastore = datastore.trim();
    if (severity !== '') rule['min-severity'] = severity as Severity;
    if (span !== '') rule.until = new Date(Date.now() + Number(span)).toISOString();
    add.mutate(rule, {
      onSuccess: (mute) => {
        tellDone('Muted', ruleInWords(mute.rule));
        for (const clear of [setType, setJob, setDatastore, setSeverity, setSpan]) clear('');
      },
    });
  };

  return (
    <form className={classes.form} onSubmit={submit}>
      <NativeSelect label="Event" value={type} onChange={(event) => setType(event.currentTarget.value)} data={[{ value: '', label: 'any' }, ...EVENT_TYPES]} />
      <NativeSelect label="That matters less than" value={severity} onChange={(event) => setSeverity(event.currentTarget.value)} data={[{ value: '', label: 'whatever it matters' }, ...SEVERITIES.filter((each) => each !== 'info')]} />
      <TextInput label="Job" value={job} spellCheck={false} autoComplete="off" onChange={(event) => setJob(event.currentTarget.value)} />
      <TextInput label="Datastore" value={datastore} spellCheck={false} autoComplete="off" onChange={(event) => setDatastore(event.currentTarget.value)} />
      <NativeSelect label="How long" value={span} onChange={(event) => setSpan(event.currentTarget.value)} data={SPANS} />
      <div className={classes.wide}><Trouble error={add.error} /></div>
      <div className={classes.wide}>
        <Button type="submit" size="sm" loading={add.isPending} disabled={nothing} leftSection={<IconVolumeOff size={16} />}>Mute</Button>
        <small>{nothing ? 'Say at least one thing that is to be muted.' : 'All that is given must hold.'}</small>
      </div>
    </form>
  );
}
