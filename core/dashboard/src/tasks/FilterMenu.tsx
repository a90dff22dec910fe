// A filter as a button that tells its value and opens a small menu.
import { Button, Checkbox, Popover, Radio, Stack, TextInput } from '@mantine/core';
import { IconCalendarTime, IconChevronDown } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';

import { fromZoned, formatTime, toZoned } from '../format/time';
import { useZone } from '../shell/zone';
import classes from './FilterBar.module.css';
import { resolveTime, SPANS } from './filters';

export function FilterButton({ label, value, icon, children }: { label: string; value: string | null; icon?: ReactNode; children: ReactNode }) {
  return (
    <Popover position="bottom-start" shadow="md" trapFocus withinPortal>
      <Popover.Target>
        <Button
          variant="default"
          className={classes.filter}
          data-set={value !== null || undefined}
          leftSection={icon}
          rightSection={<IconChevronDown size={14} aria-hidden />}
        >
          {label}
          {value !== null && <span className={classes.value}>{value}</span>}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>{children}</Popover.Dropdown>
    </Popover>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  options: readonly T[];
  shown?: Record<T, string>;
  value: T[];
  onChange: (value: T[]) => void;
}

/** Any number of words. */
export function ChoiceFilter<T extends string>({ label, options, shown, value, onChange }: ChoiceProps<T>) {
  const name = (option: T) => shown?.[option] ?? option;
  const summary = value.length === 0 ? null : value.length <= 2 ? value.map(name).join(', ') : `${value.length} chosen`;
  return (
    <FilterButton label={label} value={summary}>
      <Checkbox.Group value={value} onChange={(next) => onChange(next)} aria-label={label}>
        <Stack gap={8}>
          {options.map((option) => <Checkbox key={option} size="sm" value={option} label={name(option)} />)}
        </Stack>
      </Checkbox.Group>
    </FilterButton>
  );
}

interface RangeProps {
  since: string | undefined;
  until: string | undefined;
  onChange: (since: string | undefined, until: string | undefined) => void;
}

/** A named span back from now, or two points in time in the zone that the page shows. */
export function RangeFilter({ since, until, onChange }: RangeProps) {
  const { zone } = useZone();
  const [now] = useState(() => Date.now());
  const named = until === undefined ? SPANS.find((span) => span.value === since) : undefined;
  const shown = (text: string | undefined) => {
    const time = text === undefined ? null : resolveTime(text, now);
    return time === null ? null : formatTime(time, zone).slice(0, 16);
  };
  const from = shown(since);
  const to = shown(until);
  const summary =
    named !== undefined ? named.label : from === null && to === null ? null : from === null ? `until ${to ?? ''}` : to === null ? `since ${from}` : `${from} – ${to}`;
  const field = (text: string | undefined) => {
    const time = text === undefined ? null : resolveTime(text, now);
    return time === null ? '' : toZoned(time, zone);
  };
  const read = (text: string) => (text === '' ? undefined : (fromZoned(text, zone) ?? undefined));
  return (
    <FilterButton label="Time" value={summary} icon={<IconCalendarTime size={16} stroke={1.7} aria-hidden />}>
      <Radio.Group
        value={named?.value ?? (since === undefined && until === undefined ? 'any' : '')}
        onChange={(value) => onChange(value === 'any' ? undefined : value, undefined)}
        aria-label="Time range"
      >
        <Stack gap={8}>
          <Radio size="sm" value="any" label="Any time" />
          {SPANS.map((span) => <Radio key={span.value} size="sm" value={span.value} label={span.label} />)}
        </Stack>
      </Radio.Group>
      <Stack gap={8} mt="sm">
        <TextInput size="xs" type="datetime-local" label={`From (${zone})`} value={field(since)} onChange={(event) => onChange(read(event.currentTarget.value), until)} />
        <TextInput size="xs" type="datetime-local" label={`To (${zone})`} value={field(until)} onChange={(event) => onChange(since, read(event.currentTarget.value))} />
      </Stack>
    </FilterButton>
  );
}
