// Declaring a maintenance window.
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { type SubmitEvent, useState } from 'react';

import type { Maintenance } from '../api/model';
import { useApply, useMaintenance, useProjectNames } from '../api/notifications';
import { useSession } from '../api/rights';
import { browserZone } from '../format/time';
import { SidePanel } from '../ui/SidePanel';
import { tellDone, Trouble } from '../ui/Trouble';
import { MatchersFields, NO_MATCHERS, toMatchers } from './MatchersFields';
import classes from './SilencesTab.module.css';

export function MaintenanceForm({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const projects = useProjectNames();
  const windows = useMaintenance();
  const apply = useApply();
  const [project, setProject] = useState(session?.project ?? '');
  const [name, setName] = useState('');
  const [comment, setComment] = useState('');
  const [from, setFrom] = useState('');
  const [lasts, setLasts] = useState('4h');
  const [zone, setZone] = useState(browserZone());
  const [matchers, setMatchers] = useState(NO_MATCHERS);
  const chosen = project !== '' ? project : (projects[0] ?? (session?.project == null ? '-' : ''));
  const taken = windows.data?.maintenance.some((view) => view.window.name === name.trim() && (view.window.project ?? '-') === chosen) === true;

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const declared: Maintenance = { name: name.trim(), from: from.trim(), lasts: lasts.trim(), timezone: zone.trim(), when: toMatchers(matchers) };
    if (chosen !== '-') declared.project = chosen;
    if (comment.trim() !== '') declared.comment = comment.trim();
    apply.mutate({ declared: { maintenance: [declared] }, dryRun: false }, { onSuccess: () => { onClose(); tellDone('The window is declared', declared.name); } });
  };

  return (
    <SidePanel title="Declare a maintenance window" onClose={onClose}>
      <form className={classes.form} onSubmit={submit}>
        <TextInput label="Name" required value={name} spellCheck={false} data-autofocus error={taken ? 'There is a window of this name. Remove it first.' : undefined} onChange={(event) => setName(event.currentTarget.value)} />
        <NativeSelect
          label="For whom" value={chosen} disabled={session?.project != null} onChange={(event) => setProject(event.currentTarget.value)}
          data={[...projects.map((each) => ({ value: each, label: `project ${each}` })), ...(session?.project == null ? [{ value: '-', label: 'the whole hub' }] : [])]}
        />
        <TextInput className={classes.wide ?? ''} label="Comment" value={comment} onChange={(event) => setComment(event.currentTarget.value)} />
        <TextInput label="Begins" description="A calendar expression, as in a schedule." placeholder="sun 02:00" required value={from} spellCheck={false} onChange={(event) => setFrom(event.currentTarget.value)} />
        <TextInput label="Lasts" description="Such as 90m or 4h." required value={lasts} spellCheck={false} onChange={(event) => setLasts(event.currentTarget.value)} />
        <TextInput label="Time zone" description="An IANA name." required value={zone} spellCheck={false} onChange={(event) => setZone(event.currentTarget.value)} />
        <MatchersFields draft={matchers} onChange={setMatchers} />
        <div className={classes.wide}><Trouble error={apply.error} /></div>
        <div className={classes.choices}>
          <small>Jobs run as ever; blackout windows of a job hold them back.</small>
          <Button variant="default" onClick={onClose}>Not now</Button>
          <Button type="submit" loading={apply.isPending} disabled={name.trim() === '' || from.trim() === '' || lasts.trim() === '' || chosen === '' || taken}>Declare</Button>
        </div>
      </form>
    </SidePanel>
  );
}
