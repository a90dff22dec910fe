// Which events a silence or a window is about.
import { MultiSelect, NativeSelect, TagsInput } from '@mantine/core';

import { EVENT_TYPES, type Matchers, SEVERITIES, type Severity } from '../api/model';
import classes from './SilencesTab.module.css';

export interface MatchersDraft {
  events: string[];
  min: string;
  max: string;
  jobs: string[];
  datastores: string[];
}

export const NO_MATCHERS: MatchersDraft = { events: [], min: '', max: '', jobs: [], datastores: [] };

export function toMatchers({ events, min, max, jobs, datastores }: MatchersDraft): Matchers {
  return {
    ...(events.length === 0 ? {} : { events: events.map((type) => `ironcore.${type}`) }),
    ...(min === '' ? {} : { 'min-severity': min as Severity }),
    ...(max === '' ? {} : { 'max-severity': max as Severity }),
    ...(jobs.length === 0 ? {} : { jobs }),
    ...(datastores.length === 0 ? {} : { datastores }),
  };
}

export const aboutEverything = (draft: MatchersDraft) => Object.keys(toMatchers(draft)).length === 0;

export function MatchersFields({ draft, onChange }: { draft: MatchersDraft; onChange: (draft: MatchersDraft) => void }) {
  const severity = [{ value: '', label: 'any' }, ...SEVERITIES];
  return (
    <div role="group" aria-label="What it is about" className={classes.group}>
      <h3>What it is about</h3>
      <MultiSelect
        label="Events" description="Every type when empty, but for those that tell that telling itself is broken." data={EVENT_TYPES} value={draft.events} searchable clearable className={classes.wide ?? ''}
        comboboxProps={{ withinPortal: true }} onChange={(events) => onChange({ ...draft, events })}
      />
      <TagsInput label="Jobs" description="Names, or regular expressions between slashes. Every job when empty." placeholder={draft.jobs.length === 0 ? '/^db-/' : ''} value={draft.jobs} onChange={(jobs) => onChange({ ...draft, jobs })} />
      <TagsInput label="Datastores" description="Names, or regular expressions between slashes." value={draft.datastores} onChange={(datastores) => onChange({ ...draft, datastores })} />
      <NativeSelect label="At least" description="This severity or more." data={severity} value={draft.min} onChange={(event) => onChange({ ...draft, min: event.currentTarget.value })} />
      <NativeSelect label="At most" description="With warning, errors are told all the same." data={severity} value={draft.max} onChange={(event) => onChange({ ...draft, max: event.currentTarget.value })} />
    </div>
  );
}
