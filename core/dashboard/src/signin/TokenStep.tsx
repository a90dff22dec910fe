// Signing in with the secret of an API token. It is kept for this tab only.
import { Anchor, Button, PasswordInput } from '@mantine/core';
import { type SubmitEvent, useState } from 'react';

import { signInByToken } from '../api/account';
import classes from './SignIn.module.css';
import { type StepProps, useFirstField } from './steps';
import { explainToken } from './words';

export function TokenStep({ onDone, onStep }: StepProps) {
  const first = useFirstField();
  const [secret, setSecret] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const signIn = async (event: SubmitEvent) => {
    event.preventDefault();
    const token = secret.trim();
    if (token === '') {
      setError('Paste a token first.');
      return;
    }
    setBusy(true);
    setError(null);
    try {
      onDone(await signInByToken(token));
    } catch (cause) {
      setError(explainToken(cause));
      setBusy(false);
    }
  };

  return (
    <form className={classes.form} onSubmit={(event) => void signIn(event)} noValidate>
      <PasswordInput
        ref={first} label="Token" description="The secret of an API token. It stays in this browser tab until you close it."
        value={secret} onChange={(event) => setSecret(event.currentTarget.value)} error={error}
        autoComplete="off" spellCheck={false} disabled={busy}
      />
      <Button type="submit" fullWidth loading={busy}>Sign in</Button>
      <p className={classes.other}>
        <Anchor component="button" type="button" size="sm" underline="always" onClick={() => onStep({ at: 'password' })}>Sign in with a password instead</Anchor>
      </p>
    </form>
  );
}
