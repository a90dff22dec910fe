// One of several names, or all of them.
import { NativeSelect } from '@mantine/core';

interface ChoiceSelectProps {
  label: string;
  all: string;
  value: string | undefined;
  options: string[];
  onChange: (value: string) => void;
}

export function ChoiceSelect({ label, all, value, options, onChange }: ChoiceSelectProps) {
  const known = value === undefined || options.includes(value) ? options : [value, ...options];
  return (
    <NativeSelect
      w={175} aria-label={label} value={value ?? ''} onChange={(event) => onChange(event.currentTarget.value)}
      data={[{ value: '', label: all }, ...known.map((name) => ({ value: name, label: name }))]}
    />
  );
}
