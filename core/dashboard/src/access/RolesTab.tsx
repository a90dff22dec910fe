// Roles: those that every hub has, and its own. Each is a list of rights.
import { Button } from '@mantine/core';
import { IconEdit, IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';

import { useRemoveRole, useRoles, useUsers } from '../api/access';
import type { Role } from '../api/model';
import { RIGHTS, useMay } from '../api/rights';
import { Ask } from '../ui/Ask';
import { CommandLine } from '../ui/Copy';
import { type Column, DataTable } from '../ui/DataTable';
import page from '../ui/Page.module.css';
import { Failure, Loading } from '../ui/Panel';
import { Tag } from '../ui/Tag';
import { tellDone } from '../ui/Trouble';
import classes from './access.module.css';
import { RoleForm } from './RoleForm';

export function RolesTab() {
  const { data, error, refetch } = useRoles();
  const users = useUsers().data;
  const mayChange = useMay('manage-access');
  const [edited, setEdited] = useState<Role | 'new' | null>(null);
  const [removing, setRemoving] = useState<Role | null>(null);
  const holders = (name: string) => users?.filter((user) => user.grants.some((grant) => grant.role === name)).length;
  const columns: Column<Role>[] = [
    { id: 'role', head: 'Role', lead: true, width: '20%', cell: ({ name, comment, built_in: builtIn }) => <><strong>{name}</strong> {builtIn && <Tag>of every hub</Tag>}{comment != null && <small>{comment}</small>}</> },
    { id: 'users', head: 'Users', width: '5rem', end: true, cell: ({ name }) => holders(name) ?? '…' },
    { id: 'rights', head: 'May', cell: ({ rights }) => <Rights rights={rights} /> },
    ...(mayChange ? [{
      id: 'actions', head: 'Actions', bare: true, width: '11rem',
      cell: (role: Role) => !role.built_in && (
        <span className={classes.tools}>
          <Button size="compact-xs" variant="default" leftSection={<IconEdit size={14} aria-hidden />} aria-label={`Change the role ${role.name}`} onClick={() => setEdited(role)}>Change</Button>
          <Button size="compact-xs" variant="default" leftSection={<IconTrash size={14} aria-hidden />} aria-label={`Remove the role ${role.name}`} onClick={() => setRemoving(role)}>Remove</Button>
        </span>
      ),
    }] : []),
  ];
  return (
    <>
      <div className={classes.line}>
        <span className={page.count}>Whoever has a role somewhere sees what is there. Rights are what can be done beside.</span>
        {mayChange && <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setEdited('new')}>New role</Button>}
      </div>
      <section className={page.frame} aria-label="Roles">
        {data === undefined ? <div className={page.pad}>{error === null ? <Loading rows={8} height={40} /> : <Failure error={error} retry={() => void refetch()} />}</div> : <DataTable label="Roles" columns={columns} rows={data} rowKey={({ name }) => name} />}
      </section>
      <CommandLine command="ironcore-backup role list" />
      {edited !== null && <RoleForm role={edited === 'new' ? null : edited} taken={data?.map(({ name }) => name) ?? []} onClose={() => setEdited(null)} />}
      {removing !== null && <Remove role={removing} onClose={() => setRemoving(null)} />}
    </>
  );
}

function Rights({ rights }: { rights: NonNullable<Role['rights']> }) {
  if (rights.length === 0) return <span className={classes.faint}>look only</span>;
  if (rights.length === Object.keys(RIGHTS).length) return 'do everything';
  return <ul className={classes.inline}>{rights.map((right) => <li key={right} title={RIGHTS[right].words}>{right}</li>)}</ul>;
}

function Remove({ role, onClose }: { role: Role; onClose: () => void }) {
  const remove = useRemoveRole();
  return (
    <Ask title={`Remove the role ${role.name}`} confirm="Remove" danger busy={remove.isPending} error={remove.error} onConfirm={() => remove.mutate(role.name, { onSuccess: () => { onClose(); tellDone(`The role ${role.name} was removed`); } })} onClose={onClose}>
      Nobody can be given it any more. The hub refuses this while somebody has it.
    </Ask>
  );
}
