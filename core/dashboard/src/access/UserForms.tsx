// Making a user, changing its name, and setting its password.
import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useState } from 'react';

import { useChangeUser, useCreateUser } from '../api/access';
import type { User } from '../api/model';
import { passwordFault } from '../signin/words';
import { Ask, Fields } from '../ui/Ask';
import { CopyButton } from '../ui/Copy';
import { tellDone } from '../ui/Trouble';
import classes from './access.module.css';
import { NO_ROLE, type RoleChoice, RoleFields } from './RoleFields';
import { fullUser, makePassword } from './words';

/** A password for somebody else: typed, or made up and shown, to be handed over. */
function PasswordField({ label, description, value, error, onChange }: { label: string; description: string; value: string; error: string | null; onChange: (value: string) => void }) {
  const [visible, setVisible] = useState(false);
  return (
    <div className={classes.password}>
      <PasswordInput label={label} description={description} autoComplete="new-password" value={value} error={error} visible={visible} onVisibilityChange={setVisible} onChange={(event) => onChange(event.currentTarget.value)} />
      <div className={classes.made}>
        <Button size="compact-xs" variant="default" onClick={() => { onChange(makePassword()); setVisible(true); }}>Make one up</Button>
        {value !== '' && <CopyButton value={value} what="password" />}
      </div>
    </div>
  );
}

export function CreateUser({ onClose, onMade }: { onClose: () => void; onMade: (user: string) => void }) {
  const create = useCreateUser();
  const [user, setUser] = useState('');
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<RoleChoice>(NO_ROLE);
  const [tried, setTried] = useState(false);
  const full = fullUser(user);
  const userFault = full === '' ? 'The name is missing.' : full.includes('!') ? 'A name with ! is a token’s.' : null;
  const fault = password === '' ? null : passwordFault(password, full);
  const submit = () => {
    setTried(true);
    if (userFault !== null || fault !== null) return;
    const grants = role.role === '' ? [] : [{ role: role.role, project: role.project === '' ? null : role.project }];
    create.mutate({ user: full, name: name.trim() || null, email: email.trim() || null, password: password === '' ? null : password, grants }, {
      onSuccess: (made) => {
        onClose();
        onMade(made.user);
        tellDone(`${made.user} was made`, password === '' ? 'Without a password it cannot sign in.' : 'Hand its password over by a way that others do not see.');
      },
    });
  };
  return (
    <Ask title="New user" confirm="Make user" busy={create.isPending} error={create.error} onConfirm={submit} onClose={onClose}>
      <Fields>
        <TextInput label="User" description="Such as alice@local; without a realm it is @local" value={user} error={tried ? userFault : null} autoCapitalize="none" autoComplete="off" spellCheck={false} data-autofocus onChange={(event) => setUser(event.currentTarget.value)} />
        <TextInput label="Name" description="For people; may be empty" value={name} autoComplete="off" onChange={(event) => setName(event.currentTarget.value)} />
        <TextInput label="Mail address" description="Where the user is reached; may be empty" type="email" value={email} autoComplete="off" onChange={(event) => setEmail(event.currentTarget.value)} />
        <PasswordField label="Password" description="12 characters or more; without one the user can only have tokens" value={password} error={tried ? fault : null} onChange={setPassword} />
        <RoleFields value={role} none="None for now" onChange={setRole} />
      </Fields>
    </Ask>
  );
}

export function EditUser({ user, onClose }: { user: User; onClose: () => void }) {
  const change = useChangeUser();
  const [name, setName] = useState(user.name ?? '');
  const [email, setEmail] = useState(user.email ?? '');
  const submit = () => change.mutate({ user: user.user, name: name.trim(), email: email.trim() }, { onSuccess: () => { onClose(); tellDone(`${user.user} was changed`); } });
  return (
    <Ask title={`Name and address of ${user.user}`} confirm="Save" busy={change.isPending} error={change.error} onConfirm={submit} onClose={onClose}>
      <Fields>
        <TextInput label="Name" description="For people" value={name} data-autofocus onChange={(event) => setName(event.currentTarget.value)} />
        <TextInput label="Mail address" type="email" value={email} onChange={(event) => setEmail(event.currentTarget.value)} />
      </Fields>
    </Ask>
  );
}

export function ResetPassword({ user, onClose }: { user: string; onClose: () => void }) {
  const change = useChangeUser();
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);
  const fault = passwordFault(password, user);
  const submit = () => {
    setTried(true);
    if (fault === null) change.mutate({ user, password }, { onSuccess: () => { onClose(); tellDone(`${user} has another password`, 'It was signed out everywhere. Hand the password over by a way that others do not see.'); } });
  };
  return (
    <Ask title={`Set the password of ${user}`} confirm="Set password" busy={change.isPending} error={change.error} onConfirm={submit} onClose={onClose}>
      <Fields>
        <p>It is signed out everywhere at once. Its tokens go on working.</p>
        <PasswordField label="New password" description="12 characters or more" value={password} error={tried ? fault : null} onChange={setPassword} />
      </Fields>
    </Ask>
  );
}
