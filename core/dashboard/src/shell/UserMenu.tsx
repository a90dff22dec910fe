// Who is signed in, by which role, and what belongs to that: another role, another password, signing out.
import { ActionIcon, Menu } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { IconKey, IconLogout, IconShieldLock, IconUserCircle } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';

import { roleAt } from '../access/words';
import { useOwnGrants, useSignOut, useSwitchRole } from '../api/account';
import { currentLogin } from '../api/login';
import type { Grant, Session } from '../api/model';
import { ChangePassword } from '../signin/ChangePassword';
import { tellFailed } from '../ui/Trouble';
import classes from './Shell.module.css';

const OwnFactor = lazy(async () => ({ default: (await import('../signin/OwnFactor')).OwnFactor }));

export function UserMenu({ session }: { session: Session }) {
  const [open, setOpen] = useState(false);
  const [asked, setAsked] = useState<'password' | 'factor' | null>(null);
  const signOut = useSignOut();
  const byCookie = currentLogin()?.by === 'cookie';
  return (
    <>
      <Menu position="bottom-end" withinPortal opened={open} onChange={setOpen} width={260}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Signed in as ${session.user}`}>
            <IconUserCircle size={20} stroke={1.7} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label className={classes.who ?? ''}>
            <strong>{session.user}</strong>
            <span>{roleAt(session)}{!byCookie && ', by a token'}</span>
          </Menu.Label>
          {byCookie && open && <Roles session={session} />}
          <Menu.Divider />
          {byCookie && <Menu.Item leftSection={<IconKey size={16} stroke={1.7} />} onClick={() => setAsked('password')}>Change my password</Menu.Item>}
          {byCookie && <Menu.Item leftSection={<IconShieldLock size={16} stroke={1.7} />} onClick={() => setAsked('factor')}>My second factor</Menu.Item>}
          <Menu.Item
            leftSection={<IconLogout size={16} stroke={1.7} />}
            onClick={() => signOut.mutate(undefined, { onError: (error) => tellFailed('You are still signed in', error) })}
          >
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {asked === 'password' && <ChangePassword user={session.user} onClose={() => setAsked(null)} />}
      {asked === 'factor' && <Suspense fallback={null}><OwnFactor user={session.user} onClose={() => setAsked(null)} /></Suspense>}
    </>
  );
}

/** The roles to choose from, when there are several. */
function Roles({ session }: { session: Session }) {
  const navigate = useNavigate();
  const { data } = useOwnGrants(true);
  const change = useSwitchRole();
  if (data === undefined || data.length < 2) return null;
  const keyOf = ({ role, project }: Pick<Grant, 'role' | 'project'>) => `${role} ${project ?? ''}`;
  const choose = (value: string) => {
    const grant = data.find((each) => keyOf(each) === value);
    if (grant === undefined || value === keyOf(session)) return;
    // What is open may not be there for the other role.
    change.mutate({ role: grant.role, project: grant.project ?? null }, {
      onSuccess: () => void navigate({ to: '/' }),
      onError: (error) => tellFailed('The role stays as it is', error),
    });
  };
  return (
    <>
      <Menu.Divider />
      <Menu.Label>Act as</Menu.Label>
      <Menu.RadioGroup value={keyOf(session)} onChange={choose}>
        {data.map((grant) => <Menu.RadioItem key={keyOf(grant)} value={keyOf(grant)}>{roleAt(grant)}</Menu.RadioItem>)}
      </Menu.RadioGroup>
    </>
  );
}
