// Making a role of the hub's own, or changing what it allows.
import { Button, Checkbox, TextInput } from '@mantine/core';
import { type SubmitEvent, useState } from 'react';

import { usePutRole } from '../api/access';
import type { Right, Role } from '../api/model';
import { ALL_RIGHTS, RIGHTS } from '../api/rights';
import { SidePanel } from '../ui/SidePanel';
import { tellDone, Trouble } from '../ui/Trouble';
import classes from './access.module.css';

const PARTS = [
  { title: 'On a project or the whole hub', why: 'Good where the role is granted.', rights: ALL_RIGHTS.filter((right) => RIGHTS[right].hub !== true) },
  { title: 'On the whole hub only', why: 'Of no use in a role that is granted on a project.', rights: ALL_RIGHTS.filter((right) => RIGHTS[right].hub === true) },
];

const upperFirst = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

export function RoleForm({ role, taken, onClose }: { role: Role | null; taken: readonly string[]; onClose: () => void }) {
  const put = usePutRole();
  const [name, setName] = useState(role?.name ?? '');
  const [comment, setComment] = useState(role?.comment ?? '');
  const [rights, setRights] = useState<readonly Right[]>(role?.rights ?? []);
  const [tried, setTried] = useState(false);
  const fault = name.trim() === '' ? 'The name is missing.' : role === null && taken.includes(name.trim()) ? 'There is such a role already.' : null;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setTried(true);
    if (fault !== null) return;
    put.mutate({ name: name.trim(), rights: [...rights], comment: comment.trim() === '' ? null : comment.trim() }, {
      onSuccess: (made) => {
        onClose();
        tellDone(role === null ? `The role ${made.name} was made` : `The role ${made.name} was changed`, role === null ? '' : 'It holds at once for everybody who has it.');
      },
    });
  };
  return (
    <SidePanel title={role === null ? 'New role' : `The role ${role.name}`} onClose={onClose}>
      <form className={classes.form} onSubmit={submit} noValidate>
        <TextInput label="Name" description="Small letters, digits and dashes" value={name} disabled={role !== null} error={tried ? fault : null} spellCheck={false} onChange={(event) => setName(event.currentTarget.value)} />
        <TextInput label="What it is for" description="May be empty" value={comment} onChange={(event) => setComment(event.currentTarget.value)} />
        {PARTS.map((part) => (
          <fieldset key={part.title} className={classes.part}>
            <legend>{part.title}<small>{part.why}</small></legend>
            <div className={classes.rights}>
              {part.rights.map((right) => (
                <Checkbox
                  key={right} size="sm" label={upperFirst(RIGHTS[right].words)} description={right} checked={rights.includes(right)}
                  onChange={(event) => setRights(event.currentTarget.checked ? ALL_RIGHTS.filter((each) => each === right || rights.includes(each)) : rights.filter((each) => each !== right))}
                />
              ))}
            </div>
          </fieldset>
        ))}
        <Trouble error={put.error} />
        <div className={classes.choices}>
          <Button variant="default" onClick={onClose}>Not now</Button>
          <Button type="submit" loading={put.isPending}>{role === null ? 'Make role' : 'Change role'}</Button>
        </div>
      </form>
    </SidePanel>
  );
}
