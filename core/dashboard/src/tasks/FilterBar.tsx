// The filters of the task list. They live in the address; this only shows and changes it.
import { Button, TextInput } from '@mantine/core';
import { IconSearch, IconUser, IconX } from '@tabler/icons-react';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';

import { SHOWN, TASK_STATES, TASK_TYPES } from '../api/model';
import classes from './FilterBar.module.css';
import { ChoiceFilter, RangeFilter } from './FilterMenu';
import { countFilters, readSearch, readStates, readTypes, type TaskSearch } from './filters';

interface FilterBarProps {
  search: TaskSearch;
  onChange: (search: TaskSearch) => void;
  /** Users to choose from. */
  users: string[];
}

export function FilterBar({ search, onChange, users }: FilterBarProps) {
  const change = (part: { [K in keyof TaskSearch]: TaskSearch[K] | undefined }) => onChange(readSearch({ ...search, ...part }));
  return (
    <search className={classes.bar}>
      <ChoiceFilter label="Type" options={TASK_TYPES} value={readTypes(search.type)} onChange={(types) => change({ type: types.join(',') })} />
      <ChoiceFilter label="Status" options={TASK_STATES} shown={SHOWN} value={readStates(search.status)} onChange={(states) => change({ status: states.join(',') })} />
      <RangeFilter since={search.since} until={search.until} onChange={(since, until) => change({ since, until })} />
      <TextFilter label="User" icon={<IconUser size={16} stroke={1.7} />} value={search.user ?? ''} onChange={(user) => change({ user })} options={users} />
      <TextFilter label="Search" icon={<IconSearch size={16} stroke={1.7} />} value={search.text ?? ''} onChange={(text) => change({ text })} wide />
      {search.job !== undefined && (
        <Button variant="default" className={classes.filter} data-set rightSection={<IconX size={14} aria-hidden />} aria-label={`Do not filter by job ${search.job}`} onClick={() => change({ job: undefined })}>
          Job <span className={classes.value}>{search.job}</span>
        </Button>
      )}
      {countFilters(search) > 0 && (
        <Button variant="subtle" color="gray" leftSection={<IconX size={15} aria-hidden />} onClick={() => onChange({})}>Clear</Button>
      )}
    </search>
  );
}

interface TextFilterProps {
  label: string;
  icon: ReactNode;
  value: string;
  onChange: (value: string) => void;
  wide?: boolean;
  /** Whole values to choose from; half a value is not asked for then. */
  options?: string[];
}

/** Text that becomes the filter when typing pauses, on Enter, or on leaving the field. */
export function TextFilter({ label, icon, value, onChange, wide = false, options }: TextFilterProps) {
  const id = useId();
  const [draft, setDraft] = useState(value);
  const [known, setKnown] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  useEffect(() => () => clearTimeout(timer.current ?? undefined), []);
  // The address changed by other means, such as the back button.
  if (known !== value) {
    setKnown(value);
    setDraft(value);
  }
  const apply = (text: string) => {
    clearTimeout(timer.current ?? undefined);
    if (text.trim() !== value) onChange(text.trim());
  };
  return (
    <>
    <TextInput
      className={wide ? classes.wide : classes.text}
      aria-label={label}
      placeholder={label}
      leftSection={icon}
      value={draft}
      spellCheck={false}
      autoComplete="off"
      onChange={(event) => {
        const text = event.currentTarget.value;
        setDraft(text);
        clearTimeout(timer.current ?? undefined);
        if (options === undefined) timer.current = setTimeout(() => apply(text), 400);
        else if (text === '' || options.includes(text)) apply(text);
      }}
      onBlur={() => apply(draft)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') apply(draft);
      }}
      {...(options === undefined ? {} : { list: id })}
    />
    {options !== undefined && <datalist id={id}>{options.map((option) => <option key={option} value={option} />)}</datalist>}
    </>
  );
}
