// The filters of the inbox. They live in the address; this only shows and changes it.
import { Button, SegmentedControl } from '@mantine/core';
import { IconDatabase, IconListDetails, IconX } from '@tabler/icons-react';

import { EVENT_TYPES, SEVERITIES } from '../api/model';
import { TextFilter } from '../tasks/FilterBar';
import bar from '../tasks/FilterBar.module.css';
import { ChoiceFilter, RangeFilter } from '../tasks/FilterMenu';
import { OneFilter } from '../ui/OneFilter';
import { ProjectFilter } from '../ui/ProjectFilter';
import { typesOf } from '../ui/search';
import classes from './InboxFilters.module.css';
import { countInboxFilters, type InboxSearch, readInboxSearch, SHOWS } from './search';

const SHOWN = [
  { value: 'all', label: 'All' },
  { value: 'unread', label: 'Unread' },
  { value: 'unacknowledged', label: 'To acknowledge' },
  { value: 'muted', label: 'Muted' },
];

export function InboxFilters({ search, onChange }: { search: InboxSearch; onChange: (search: InboxSearch) => void }) {
  const change = (part: { [K in keyof InboxSearch]: InboxSearch[K] | undefined }) => onChange(readInboxSearch({ ...search, ...part }));
  return (
    <search className={bar.bar}>
      <SegmentedControl
        aria-label="Which entries"
        className={classes.show}
        size="sm"
        data={SHOWN}
        value={search.show ?? 'all'}
        onChange={(value) => change({ show: SHOWS.find((each) => each === value) })}
      />
      <OneFilter
        label="Severity" any="Any severity" value={search.severity}
        options={SEVERITIES.filter((each) => each !== 'info').map((value) => ({ value, label: value === 'error' ? 'Errors only' : `${value} or more` }))}
        onChange={(severity) => change({ severity })}
      />
      <ChoiceFilter label="Event" options={EVENT_TYPES} value={typesOf(search.type)} onChange={(types) => change({ type: types.join(',') })} />
      <ProjectFilter any="Every project" value={search.project} onChange={(project) => change({ project })} />
      <RangeFilter since={search.since} until={search.until} onChange={(since, until) => change({ since, until })} />
      <TextFilter label="Job" icon={<IconListDetails size={16} stroke={1.7} />} value={search.job ?? ''} onChange={(job) => change({ job })} />
      <TextFilter label="Datastore" icon={<IconDatabase size={16} stroke={1.7} />} value={search.datastore ?? ''} onChange={(datastore) => change({ datastore })} />
      {countInboxFilters(search) > 0 && (
        <Button variant="subtle" color="gray" leftSection={<IconX size={15} aria-hidden />} onClick={() => onChange(readInboxSearch({ show: search.show }))}>Clear</Button>
      )}
    </search>
  );
}
