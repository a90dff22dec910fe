// A choice of a few that lives in the address.
import { SegmentedControl } from '@mantine/core';

import classes from './Segments.module.css';

interface SegmentsProps<T extends string> {
  label: string;
  options: readonly { value: T; label: string }[];
  value: T;
  onChange: (value: T) => void;
}

export function Segments<T extends string>({ label, options, value, onChange }: SegmentsProps<T>) {
  return (
    <SegmentedControl
      className={classes.root ?? ''} aria-label={label} size="xs" data={options.map((each) => ({ ...each }))} value={value}
      onChange={(next) => onChange(next)}
    />
  );
}
