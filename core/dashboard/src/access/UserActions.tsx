// What can be done to a user: another name, another password, no more signing in, and its end. Each is asked about.
import { ActionIcon, Menu } from '@mantine/core';
import { IconDots, IconEdit, IconKey, IconShieldOff, IconTrash, IconUserCheck, IconUserOff } from '@tabler/icons-react';
import { useState } from 'react';

import { useChangeUser, useRemoveUser, useTakeFactor } from '../api/access';
import type { User } from '../api/model';
import { Ask } from '../ui/Ask';
import { tellDone } from '../ui/Trouble';
import { EditUser, ResetPassword } from './UserForms';

type Asked = 'edit' | 'password' | 'factor' | 'switch' | 'remove';

export function UserActions({ user, onGone }: { user: User; onGone?: () => void }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const close = () => setAsked(null);
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon variant="default" size="md" aria-label={`Change ${user.user}`}><IconDots size={16} /></ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconEdit size={16} stroke={1.7} />} onClick={() => setAsked('edit')}>Name and address</Menu.Item>
          <Menu.Item leftSection={<IconKey size={16} stroke={1.7} />} onClick={() => setAsked('password')}>Set a password</Menu.Item>
          {user.second_factor != null && <Menu.Item leftSection={<IconShieldOff size={16} stroke={1.7} />} onClick={() => setAsked('factor')}>Take the second factor away</Menu.Item>}
          <Menu.Item leftSection={user.enabled ? <IconUserOff size={16} stroke={1.7} /> : <IconUserCheck size={16} stroke={1.7} />} onClick={() => setAsked('switch')}>{user.enabled ? 'Disable' : 'Enable'}</Menu.Item>
          <Menu.Divider />
          <Menu.Item leftSection={<IconTrash size={16} stroke={1.7} />} color="red.8" onClick={() => setAsked('remove')}>Remove</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {asked === 'edit' && <EditUser user={user} onClose={close} />}
      {asked === 'password' && <ResetPassword user={user.user} onClose={close} />}
      {asked === 'factor' && <TakeFactor user={user.user} onClose={close} />}
      {asked === 'switch' && <SwitchUser user={user} onClose={close} />}
      {asked === 'remove' && <RemoveUser user={user} onClose={close} {...(onGone === undefined ? {} : { onGone })} />}
    </>
  );
}

function SwitchUser({ user: { user, enabled }, onClose }: { user: User; onClose: () => void }) {
  const change = useChangeUser();
  const confirm = () =>
    change.mutate({ user, enabled: !enabled }, {
      onSuccess: () => {
        onClose();
        tellDone(enabled ? `${user} is disabled` : `${user} may sign in again`);
      },
    });
  return (
    <Ask title={enabled ? `Disable ${user}` : `Enable ${user}`} confirm={enabled ? 'Disable' : 'Enable'} danger={enabled} busy={change.isPending} error={change.error} onConfirm={confirm} onClose={onClose}>
      {enabled ? 'It is signed out everywhere at once, and neither it nor its tokens can do anything until it is enabled again. Its roles stay.' : 'It can sign in again, and its tokens are of use again. Its roles are those it had.'}
    </Ask>
  );
}

function TakeFactor({ user, onClose }: { user: string; onClose: () => void }) {
  const take = useTakeFactor();
  const confirm = () =>
    take.mutate(user, {
      onSuccess: () => {
        onClose();
        tellDone(`${user} has no second factor any more`);
      },
    });
  return (
    <Ask title={`Take the second factor of ${user} away`} confirm="Take it away" danger busy={take.isPending} error={take.error} onConfirm={confirm} onClose={onClose}>
      Do this when its authenticator is lost. It is signed out everywhere, its recovery codes are of no use any more, and the password alone signs it in, unless a role demands a second factor: then it sets up another on the way in.
    </Ask>
  );
}

function RemoveUser({ user: { user }, onClose, onGone }: { user: User; onClose: () => void; onGone?: () => void }) {
  const remove = useRemoveUser();
  const confirm = () =>
    remove.mutate(user, {
      onSuccess: () => {
        onClose();
        onGone?.();
        tellDone(`${user} was removed`);
      },
    });
  return (
    <Ask title={`Remove ${user}`} confirm="Remove" danger busy={remove.isPending} error={remove.error} onConfirm={confirm} onClose={onClose}>
      It is signed out everywhere, its roles are taken and its tokens revoked, for good. What it did stays in the audit log. To keep it for later, disable it instead.
    </Ask>
  );
}
