// Another password for whoever is signed in. It ends everything that the user is signed in with.
import { PasswordInput } from '@mantine/core';
import { useState } from 'react';

import { useChangePassword } from '../api/account';
import { Ask, Fields } from '../ui/Ask';
import { passwordFault } from './words';

export function ChangePassword({ user, onClose }: { user: string; onClose: () => void }) {
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const [tried, setTried] = useState(false);
  const change = useChangePassword();
  const faults = {
    old: old === '' ? 'The password that is good now is missing.' : null,
    next: passwordFault(next, user),
    again: again === next ? null : 'It is not the same.',
  };
  const submit = () => {
    setTried(true);
    if (Object.values(faults).every((fault) => fault === null)) change.mutate({ old, new: next });
  };
  return (
    <Ask title="Change my password" confirm="Change password" busy={change.isPending} error={change.error} onConfirm={submit} onClose={onClose}>
      <Fields>
        <p>You are signed out everywhere by it, here too. Tokens go on working.</p>
        <input type="text" name="username" autoComplete="username" value={user} readOnly hidden />
        <PasswordInput label="Password now" autoComplete="current-password" data-autofocus value={old} error={tried ? faults.old : null} onChange={(event) => setOld(event.currentTarget.value)} />
        <PasswordInput label="New password" description="12 characters or more" autoComplete="new-password" value={next} error={tried ? faults.next : null} onChange={(event) => setNext(event.currentTarget.value)} />
        <PasswordInput label="New password again" autoComplete="new-password" value={again} error={tried ? faults.again : null} onChange={(event) => setAgain(event.currentTarget.value)} />
      </Fields>
    </Ask>
  );
}
