// The users of the hub: what each may do, whether it can sign in, and when it did last.
import { Button } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { IconUserPlus, IconUsers } from '@tabler/icons-react';
import { useState } from 'react';

import { useUsers } from '../api/access';
import type { User } from '../api/model';
import { useMay } from '../api/rights';
import { formatCount } from '../format/bytes';
import { CommandLine } from '../ui/Copy';
import { type Column, DataTable } from '../ui/DataTable';
import { useNow } from '../ui/now';
import page from '../ui/Page.module.css';
import { Empty, Failure, Loading } from '../ui/Panel';
import { Tag } from '../ui/Tag';
import { Time } from '../ui/Time';
import classes from './access.module.css';
import { CreateUser } from './UserForms';
import { UserActions } from './UserActions';
import { UserPanel } from './UserPanel';
import { roleAt, userStanding } from './words';

const route = getRouteApi('/access/');

export function UserState({ user }: { user: User }) {
  const { kind, word, why } = userStanding(user, useNow());
  return (
    <>
      <Tag kind={kind} title={why}>{word}</Tag>
      {word === 'locked' && user.locked_until != null && <small>until <Time at={user.locked_until} /></small>}
    </>
  );
}

const COLUMNS: Column<User>[] = [
  {
    id: 'user', head: 'User', lead: true, width: '24%',
    cell: (user) => <><Link to="/access" search={{ user: user.user }} resetScroll={false}>{user.user}</Link>{(user.name ?? user.email) != null && <small>{[user.name, user.email].filter((each) => each != null).join(', ')}</small>}</>,
  },
  { id: 'state', head: 'State', width: '10.5rem', cell: (user) => <UserState user={user} /> },
  {
    id: 'roles', head: 'Roles',
    cell: (user) => (user.grants.length === 0 ? <span className={classes.faint}>none</span> : <ul className={classes.inline}>{user.grants.map((grant) => <li key={roleAt(grant)}>{roleAt(grant)}</li>)}</ul>),
  },
  { id: 'last', head: 'Signed in', width: '9.5rem', cell: (user) => (user.last_login == null ? <span className={classes.faint}>never</span> : <Time at={user.last_login} ago />) },
];
const ACTIONS: Column<User> = { id: 'actions', head: 'Actions', bare: true, width: '4rem', cell: (user) => <UserActions user={user} /> };

export function UsersTab() {
  const { user: open } = route.useSearch();
  const navigate = useNavigate();
  const { data, error, refetch } = useUsers();
  const mayChange = useMay('manage-access');
  const [making, setMaking] = useState(false);
  const shown = data?.find((each) => each.user === open);
  const show = (user?: string) => void navigate({ to: '/access', search: user === undefined ? {} : { user }, resetScroll: false });
  return (
    <>
      <div className={classes.line}>
        <span className={page.count} role="status">{data !== undefined && `${formatCount(data.length)} ${data.length === 1 ? 'user' : 'users'}`}</span>
        {mayChange && <Button size="xs" leftSection={<IconUserPlus size={15} aria-hidden />} onClick={() => setMaking(true)}>New user</Button>}
      </div>
      <section className={page.frame} aria-label="Users">
        {data === undefined && <div className={page.pad}>{error === null ? <Loading rows={8} height={26} /> : <Failure error={error} retry={() => void refetch()} />}</div>}
        {data?.length === 0 && <Empty icon={<IconUsers size={21} stroke={1.7} />} title="There are no users yet">{mayChange ? 'Make the first one. Until then the hub’s own token is the only way in.' : 'Only tokens are in use.'}</Empty>}
        {data !== undefined && data.length > 0 && <DataTable label="Users" columns={mayChange ? [...COLUMNS, ACTIONS] : COLUMNS} rows={data} rowKey={({ user }) => user} />}
      </section>
      <CommandLine command="ironcore-backup user list" />
      {making && <CreateUser onClose={() => setMaking(false)} onMade={show} />}
      {shown !== undefined && <UserPanel key={shown.user} user={shown} onClose={() => show()} />}
    </>
  );
}
