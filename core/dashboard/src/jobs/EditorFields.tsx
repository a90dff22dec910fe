// The editor's fields of when a job runs, how its runs go and who hears of them.
import { ActionIcon, Button, Checkbox, MultiSelect, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';

import { useGroupNames, useJobs } from '../api/jobs';
import { scheduleInWords } from '../format/schedule';
import { browserZone } from '../format/time';
import { Panel } from '../ui/Panel';
import type { CommandDraft, Draft } from './draft';
import classes from './editor.module.css';
import { RunsPreview } from './RunsPreview';

export interface FieldsProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  /** The fault of a field by its key in the declaration. */
  fault: (key: string) => string | undefined;
}

/** Texts all look the same: one line, an example, and what the hub found wrong. */
export function useText({ draft, change, fault }: FieldsProps) {
  return (field: keyof Draft, key: string, label: string, more: { placeholder?: string; description?: string; list?: string; required?: boolean; readOnly?: boolean } = {}) => (
    <TextInput
      label={label} value={draft[field] as string} error={fault(key)} spellCheck={false} autoComplete="off" {...more}
      onChange={(event) => change({ [field]: event.currentTarget.value })}
    />
  );
}

export function WhenFields(props: FieldsProps) {
  const { draft, change, fault } = props;
  const text = useText(props);
  const { data: jobs } = useJobs();
  const others = jobs?.filter(({ job }) => job.project === draft.project && job.name !== draft.name).map(({ job }) => job.name) ?? [];
  const words = draft.schedule.trim() === '' ? 'Runs by hand only, or after another job.' : (scheduleInWords(draft.schedule) ?? 'The hub says below when that is.');
  return (
    <Panel title="When it runs">
      <div className={classes.fields}>
        {text('schedule', 'schedule', 'Schedule', { placeholder: 'mon..fri 02:00, or 0 2 * * 1-5', description: words })}
        {text('timezone', 'timezone', 'Time zone', { list: 'zones', description: 'Of the schedule and the blackout windows' })}
        <datalist id="zones">{[...new Set(['UTC', browserZone()])].map((zone) => <option key={zone} value={zone} />)}</datalist>
        {text('after', 'after', 'After', { list: 'jobs', description: 'Runs when this job of the project ended OK or WARNING' })}
        <datalist id="jobs">{others.map((name) => <option key={name} value={name} />)}</datalist>
        {text('delay', 'randomized-delay', 'Random delay', { placeholder: '10m', description: 'Each run waits for a part of this' })}
        <RunsPreview draft={draft} />
        <NativeSelect
          label="While a run goes on" value={draft.overlap} error={fault('overlap')} onChange={(event) => change({ overlap: event.currentTarget.value as Draft['overlap'] })}
          data={[{ value: 'queue', label: 'the next run waits' }, { value: 'skip', label: 'the next run is left out' }, { value: 'cancel-old', label: 'the run before is cancelled' }]}
        />
        <NativeSelect
          label="Missed runs" value={draft.missed} error={fault('missed')} onChange={(event) => change({ missed: event.currentTarget.value as Draft['missed'] })}
          data={[{ value: 'run-once', label: 'are made up for by one run' }, { value: 'skip', label: 'are left out' }]}
        />
        {text('grace', 'grace', 'Grace', { placeholder: '15m', description: 'Later than this is missed, which is told' })}
        <Checkbox className={classes.check ?? ''} label="Enabled" description="A paused job runs by hand only" checked={draft.enabled} onChange={(event) => change({ enabled: event.currentTarget.checked })} />
        <fieldset className={classes.wide}>
          <legend>Blackout windows</legend>
          {draft.blackout.map((window, at) => {
            const set = (part: Partial<typeof window>) => change({ blackout: draft.blackout.with(at, { ...window, ...part }) });
            return (
              <div key={at} className={classes.row}>
                <TextInput aria-label={`Window ${at + 1} from`} placeholder="mon..fri 08:00" value={window.from} error={fault(`blackout[${at}].from`)} spellCheck={false} onChange={(event) => set({ from: event.currentTarget.value })} />
                <TextInput aria-label={`Window ${at + 1} lasts`} placeholder="10h" value={window.lasts} error={fault(`blackout[${at}].lasts`)} spellCheck={false} onChange={(event) => set({ lasts: event.currentTarget.value })} />
                <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Remove window ${at + 1}`} onClick={() => change({ blackout: draft.blackout.filter((_, each) => each !== at) })}><IconX size={16} /></ActionIcon>
              </div>
            );
          })}
          {fault('blackout') !== undefined && <p className={classes.fault} role="alert">{fault('blackout')}</p>}
          <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => change({ blackout: [...draft.blackout, { from: '', lasts: '' }] })}>Add a window</Button>
        </fieldset>
      </div>
    </Panel>
  );
}

export function HowFields(props: FieldsProps) {
  const { draft, change, fault } = props;
  const text = useText(props);
  const { data: groups } = useGroupNames(draft.project);
  return (
    <Panel title="How a run goes">
      <div className={classes.fields}>
        {text('retries', 'retries', 'Retries', { placeholder: '0', description: 'How often a failed run is tried again' })}
        {text('retryDelay', 'retry-delay', 'First retry after', { placeholder: '1m', description: 'Doubles each time, up to an hour' })}
        {text('timeout', 'timeout', 'Time limit', { placeholder: 'none' })}
        {text('warnAfter', 'warn-after', 'Tell when it takes longer than', { placeholder: 'three times the usual' })}
        {text('recoveryPoint', 'recovery-point', 'Recovery point', { placeholder: 'none', description: 'A good run is promised this often' })}
        <MultiSelect
          label="Groups told" data={[...new Set([...(groups ?? []), ...draft.groups])]} value={draft.groups} onChange={(next) => change({ groups: next })} error={fault('groups')}
          classNames={{ input: classes.groups ?? '' }} placeholder={draft.groups.length === 0 ? 'none' : ''} clearable clearButtonProps={{ 'aria-label': 'No groups' }}
        />
        <CommandFields label="Command before" name="command-before" command={draft.before} set={(before) => change({ before })} fault={fault} />
        <CommandFields label="Command after" name="command-after" command={draft.afterCommand} set={(afterCommand) => change({ afterCommand })} fault={fault} />
      </div>
    </Panel>
  );
}

function CommandFields({ label, name, command, set, fault }: { label: string; name: string; command: CommandDraft; set: (command: CommandDraft) => void; fault: FieldsProps['fault'] }) {
  return (
    <fieldset className={classes.wide}>
      <legend>{label}</legend>
      <div className={classes.row}>
        <Textarea
          aria-label={label} placeholder={'program of the worker’s folder of commands\none argument a line'} autosize minRows={2} maxRows={6} value={command.run} spellCheck={false}
          error={fault(`${name}.run`) ?? fault(name)} onChange={(event) => set({ ...command, run: event.currentTarget.value })}
        />
        {command.run.trim() !== '' && (
          <>
            <TextInput aria-label={`${label}: time limit`} placeholder="10m" value={command.timeout} error={fault(`${name}.timeout`)} onChange={(event) => set({ ...command, timeout: event.currentTarget.value })} />
            <NativeSelect
              aria-label={`${label}: when it fails`} value={command.onFailure} onChange={(event) => set({ ...command, onFailure: event.currentTarget.value as CommandDraft['onFailure'] })}
              data={[{ value: 'fail', label: 'its failure fails the run' }, { value: 'warn', label: 'its failure is a warning' }, { value: 'ignore', label: 'its failure is ignored' }]}
            />
          </>
        )}
      </div>
    </fieldset>
  );
}
