// The editor's fields of what a job does, by the type of its task.
import { Checkbox, NativeSelect, Textarea } from '@mantine/core';

import { useDatastores } from '../api/datastores';
import { Panel } from '../ui/Panel';
import { type Draft, EDITED_TYPES, type EditedType } from './draft';
import classes from './editor.module.css';
import { type FieldsProps, useText } from './EditorFields';
import { PrunePreview } from './PrunePreview';
import { keepInWords } from './words';

const RULES = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

export function TaskFields(props: FieldsProps) {
  const { draft, change, fault } = props;
  const general = fault('task');
  return (
    <Panel title="What it does">
      <div className={classes.fields}>
        <NativeSelect label="Type" value={draft.type} data={[...EDITED_TYPES]} error={fault('task.type')} onChange={(event) => change({ type: event.currentTarget.value as EditedType })} />
        <OfType {...props} />
        {general !== undefined && <p className={`${classes.fault ?? ''} ${classes.wide ?? ''}`} role="alert">{general}</p>}
      </div>
    </Panel>
  );
}

function OfType(props: FieldsProps) {
  const { draft, change, fault } = props;
  const text = useText(props);
  const { data: datastores } = useDatastores();
  const check = (field: 'optional' | 'full' | 'again' | 'dryRun' | 'overwrite' | 'force', label: string) => (
    <Checkbox className={classes.check ?? ''} label={label} checked={draft[field]} onChange={(event) => change({ [field]: event.currentTarget.checked })} />
  );
  const store = (field: 'datastore' | 'from' | 'to', key: string, label: string) => {
    const names = datastores?.map(({ name }) => name) ?? [];
    const value = draft[field];
    return (
      <NativeSelect
        label={label} value={value} error={fault(key)} onChange={(event) => change({ [field]: event.currentTarget.value })}
        data={[...(value === '' ? [{ value: '', label: 'Choose one' }] : []), ...(value === '' || names.includes(value) ? names : [value, ...names])]}
      />
    );
  };
  const area = (field: 'exclude' | 'only', key: string, label: string, placeholder: string) => (
    <Textarea className={classes.wide ?? ''} label={label} placeholder={placeholder} autosize minRows={2} maxRows={8} spellCheck={false} value={draft[field]} error={fault(key)} onChange={(event) => change({ [field]: event.currentTarget.value })} />
  );
  switch (draft.type) {
    case 'backup':
      return (
        <>
          {text('tree', 'task.source.tree', 'Folder', { placeholder: '/srv/mail', description: 'On the worker’s machine, absolute' })}
          {store('datastore', 'task.datastore', 'Datastore')}
          <NativeSelect label="Kind of workload" value={draft.backupType} data={['host', 'vm', 'ct']} onChange={(event) => change({ backupType: event.currentTarget.value as Draft['backupType'] })} />
          {text('backupId', 'task.backup-id', 'Name of the workload', { placeholder: '12345' })}
          {text('namespace', 'task.namespace', 'Namespace', { placeholder: 'the root' })}
          {check('optional', 'Warn instead of failing when the folder is missing')}
          {check('full', 'Read every file each time')}
          {area('exclude', 'task.source.exclude', 'Left out', '*.tmp\none glob a line, relative to the folder')}
        </>
      );
    case 'sync':
      return (
        <>
          {draft.remoteUrl.trim() === '' ? store('from', 'task.from.datastore', 'From') : text('from', 'task.from.datastore', 'From', { description: 'Its name on the other hub' })}
          {store('to', 'task.to', 'To')}
          {text('remoteUrl', 'task.from.remote.url', 'Other hub', { placeholder: 'https://backup.example:8007', description: 'Empty for a datastore of this hub' })}
          {draft.remoteUrl.trim() !== '' && text('remoteToken', 'task.from.remote.token-secret', 'Secret with its token')}
          {draft.remoteUrl.trim() !== '' && text('remoteFingerprint', 'task.from.remote.fingerprint', 'Fingerprint of its certificate', { placeholder: 'checked against the known authorities' })}
          {text('namespace', 'task.namespace', 'Namespace', { placeholder: 'the root' })}
          {area('only', 'task.groups', 'Only these groups', 'vm/12345\none a line; all when empty')}
        </>
      );
    case 'prune':
      return (
        <>
          {store('datastore', 'task.datastore', 'Datastore')}
          {text('keepZone', 'task.timezone', 'Days are counted in', { list: 'zones' })}
          {text('namespace', 'task.namespace', 'Namespace', { placeholder: 'the root' })}
          <Retention {...props} />
          {check('dryRun', 'Only say what would be removed')}
          {area('only', 'task.groups', 'Only these groups', 'vm/12345\none a line; all when empty')}
          <PrunePreview draft={draft} />
        </>
      );
    case 'verify':
      return (
        <>
          {store('datastore', 'task.datastore', 'Datastore')}
          <NativeSelect
            label="Depth" value={draft.depth} onChange={(event) => change({ depth: event.currentTarget.value as Draft['depth'] })}
            data={[{ value: 'full', label: 'full: every chunk is decoded and compared' }, { value: 'stored', label: 'stored: the stored bytes are compared' }]}
          />
          {text('namespace', 'task.namespace', 'Namespace', { placeholder: 'all' })}
          {check('again', 'Also what was verified lately')}
        </>
      );
    case 'gc':
      return <>{store('datastore', 'task.datastore', 'Datastore')}{check('dryRun', 'Only say what would be freed')}</>;
    case 'restore':
      return (
        <>
          {text('snapshot', 'task.snapshot', 'Snapshot', { placeholder: 'DATASTORE:TYPE/ID/TIME' })}
          {text('to', 'task.to', 'To the folder', { placeholder: '/srv/restored' })}
          {check('overwrite', 'Write over files that exist')}
          {check('force', 'Even when it is CORRUPT or MISSING')}
        </>
      );
  }
}

function Retention({ draft, change, fault }: FieldsProps) {
  const numbers = Object.fromEntries(RULES.map((rule) => [rule, Number(draft.keep[rule]) || null]));
  const kept = keepInWords(numbers);
  return (
    <fieldset className={classes.wide}>
      <legend>Keep</legend>
      <div className={classes.rules}>
        {RULES.map((rule) => (
          <label key={rule}>
            <span>{rule}</span>
            <input type="number" min={0} max={10_000} inputMode="numeric" value={draft.keep[rule]} onChange={(event) => change({ keep: { ...draft.keep, [rule]: event.currentTarget.value } })} />
          </label>
        ))}
      </div>
      <p className={classes.words}>{kept === null ? 'No rule: everything is kept.' : `Of each workload ${kept} are kept; the others are removed, but for protected ones.`}</p>
      {fault('task.keep') !== undefined && <p className={classes.fault} role="alert">{fault('task.keep')}</p>}
    </fieldset>
  );
}
