// A filter of which at most one value is chosen.
import { Radio, Stack } from '@mantine/core';

import { FilterButton } from '../tasks/FilterMenu';

interface OneFilterProps<T extends string> {
  label: string;
  /** What it says when nothing is chosen. */
  any: string;
  options: readonly (T | { value: T; label: string })[];
  value: T | undefined;
  onChange: (value: T | undefined) => void;
}

export function OneFilter<T extends string>({ label, any, options, value, onChange }: OneFilterProps<T>) {
  const pairs = options.map((option) => (typeof option === 'string' ? { value: option, label: option } : option));
  return (
    <FilterButton label={label} value={value === undefined ? null : (pairs.find((pair) => pair.value === value)?.label ?? value)}>
      <Radio.Group value={value ?? ''} onChange={(next) => onChange(pairs.find((pair) => pair.value === next)?.value)} aria-label={label}>
        <Stack gap={8} mah="50vh" style={{ overflowY: 'auto' }} p={2}>
          <Radio size="sm" value="" label={any} />
          {pairs.map((pair) => <Radio key={pair.value} size="sm" value={pair.value} label={pair.label} />)}
        </Stack>
      </Radio.Group>
    </FilterButton>
  );
}
