// Making a silence. What was typed stays until the hub has taken it.
import { Button, Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { type SubmitEvent, useState } from 'react';

import type { SilenceWish } from '../api/model';
import { useAddSilence, useProjectNames } from '../api/notifications';
import { may, useSession } from '../api/rights';
import { fromZoned } from '../format/time';
import { useZone } from '../shell/zone';
import { SidePanel } from '../ui/SidePanel';
import { tellDone, Trouble } from '../ui/Trouble';
import { aboutEverything, MatchersFields, NO_MATCHERS, toMatchers } from './MatchersFields';
import classes from './SilencesTab.module.css';

const SPANS = ['30m', '1h', '2h', '4h', '8h', '1d', '3d', '1w'];
const WORDS: Record<string, string> = { '30m': '30 minutes', '1h': 'an hour', '2h': '2 hours', '4h': '4 hours', '8h': '8 hours', '1d': 'a day', '3d': '3 days', '1w': 'a week' };
const UNTIL = 'until';

export function SilenceForm({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const { zone } = useZone();
  const projects = useProjectNames();
  const add = useAddSilence();
  const [key] = useState(() => crypto.getRandomValues(new Uint32Array(4)).join('-'));
  const ofHub = may(session, 'silence-hub');
  const [project, setProject] = useState(session?.project ?? '');
  const [comment, setComment] = useState('');
  const [span, setSpan] = useState('2h');
  const [until, setUntil] = useState('');
  const [from, setFrom] = useState('');
  const [matchers, setMatchers] = useState(NO_MATCHERS);
  const [all, setAll] = useState(false);
  const [long, setLong] = useState(false);
  // The hub is chosen for nobody, unless there is nothing else to choose.
  const chosen = project !== '' ? project : (projects[0] ?? (ofHub ? '-' : ''));
  const hub = chosen === '-';
  const everything = aboutEverything(matchers);

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const silence: SilenceWish = { comment: comment.trim(), when: toMatchers(matchers) };
    if (!hub) silence.project = chosen;
    const begins = from === '' ? null : fromZoned(from, zone);
    if (begins !== null) silence.from = begins;
    const ends = until === '' ? null : fromZoned(until, zone);
    if (span !== UNTIL) silence.for = span;
    else if (ends !== null) silence.until = ends;
    if (long) silence.long = true;
    if (hub && everything && all) silence.all = true;
    // The key belongs to what is asked: another wish after a refusal is another request.
    add.mutate({ silence, key: `${key}-${hash(JSON.stringify(silence))}` }, { onSuccess: (made) => { onClose(); tellDone(made.state === 'pending' ? 'The silence is set' : 'Silenced', made.comment); } });
  };

  return (
    <SidePanel title="Make a silence" onClose={onClose}>
      <form className={classes.form} onSubmit={submit}>
        <TextInput className={classes.wide ?? ''} label="Why" description="Everybody sees it, also when it is over." required value={comment} data-autofocus onChange={(event) => setComment(event.currentTarget.value)} />
        <NativeSelect
          label="For whom" description="A project’s groups, or everybody." value={chosen} disabled={session?.project != null}
          onChange={(event) => setProject(event.currentTarget.value)}
          data={[...projects.map((name) => ({ value: name, label: `project ${name}` })), ...(ofHub ? [{ value: '-', label: 'the whole hub' }] : [])]}
        />
        <NativeSelect label="How long" description="30 days at most, unless more is meant." value={span} onChange={(event) => setSpan(event.currentTarget.value)} data={[...SPANS.map((value) => ({ value, label: WORDS[value] ?? value })), { value: UNTIL, label: 'until a time' }]} />
        {span === UNTIL && <TextInput type="datetime-local" label={`Until (${zone})`} required value={until} onChange={(event) => setUntil(event.currentTarget.value)} />}
        <TextInput type="datetime-local" label={`From (${zone})`} description="At once when empty." value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
        <MatchersFields draft={matchers} onChange={setMatchers} />
        {span === UNTIL && <Checkbox className={classes.wide ?? ''} label="It may last longer than 30 days" checked={long} onChange={(event) => setLong(event.currentTarget.checked)} />}
        {hub && everything && <Checkbox className={classes.wide ?? ''} label="It is about everything, of every project: nobody is told of anything" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} />}
        <div className={classes.wide}><Trouble error={add.error} /></div>
        <div className={classes.choices}>
          <small>Jobs run as ever. The inbox shows every event.</small>
          <Button variant="default" onClick={onClose}>Not now</Button>
          <Button type="submit" loading={add.isPending} disabled={comment.trim() === '' || chosen === ''}>Silence</Button>
        </div>
      </form>
    </SidePanel>
  );
}

/** A short name of a text; only sameness matters. */
function hash(text: string): string {
  let out = 5381;
  for (const letter of text) out = ((out * 33) ^ (letter.codePointAt(0) ?? 0)) >>> 0;
  return out.toString(36);
}
