// A role and where it is good, to be chosen.
import { NativeSelect } from '@mantine/core';

import { useRoles } from '../api/access';
import { useProjectNames } from '../api/notifications';

export interface RoleChoice {
  role: string;
  /** Empty for the whole hub. */
  project: string;
}

export const NO_ROLE: RoleChoice = { role: '', project: '' };

interface RoleFieldsProps {
  value: RoleChoice;
  /** What it says when there is none. */
  none: string;
  error?: string | null;
  onChange: (value: RoleChoice) => void;
}

export function RoleFields({ value, none, error = null, onChange }: RoleFieldsProps) {
  const { data: roles = [] } = useRoles();
  const projects = useProjectNames();
  const comment = roles.find((each) => each.name === value.role)?.comment;
  return (
    <>
      <NativeSelect
        label="Role" description={comment ?? 'What it may do'} value={value.role} error={error} data={[{ value: '', label: none }, ...roles.map(({ name }) => ({ value: name, label: name }))]}
        onChange={(event) => {
          const role = event.currentTarget.value;
          // A member is one of a project.
          onChange({ role, project: role === 'member' && value.project === '' ? (projects[0] ?? '') : value.project });
        }}
      />
      <NativeSelect
        label="Where" description="On a project, or on all of the hub" value={value.project} disabled={value.role === ''}
        data={[...(value.role === 'member' ? [] : [{ value: '', label: 'the whole hub' }]), ...projects.map((name) => ({ value: name, label: `project ${name}` }))]}
        onChange={(event) => onChange({ ...value, project: event.currentTarget.value })}
      />
    </>
  );
}
