// Signing in by name and password.
import { Anchor, Button, PasswordInput, TextInput } from '@mantine/core';
import { type SubmitEvent, useState } from 'react';

import { signInByPassword } from '../api/account';
import { useZone } from '../shell/zone';
import { Callout } from '../ui/Callout';
import classes from './SignIn.module.css';
import { type StepProps, stepOf, useFirstField } from './steps';
import { Ways } from './Ways';
import { explainSignIn } from './words';

export function PasswordStep({ onDone, onStep, over = false }: StepProps & { over?: boolean }) {
  const { zone } = useZone();
  const first = useFirstField();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [tried, setTried] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const signIn = async (event: SubmitEvent) => {
    event.preventDefault();
    setTried(true);
    setError(null);
    if (user.trim() === '' || password === '') return;
    setBusy(true);
    try {
      const done = await signInByPassword(user.trim(), password);
      if (done.by === 'factor') onStep(stepOf(done.wanted));
      else onDone(done);
    } catch (cause) {
      setError(explainSignIn(cause, zone, Date.now()));
      setPassword('');
      setTried(false);
      setBusy(false);
    }
  };

  return (
    <form className={classes.form} onSubmit={(event) => void signIn(event)} noValidate>
      {over && error === null && <Callout kind="warning" role="alert"><p>That step took too long, or was used before. Begin again with your password.</p></Callout>}
      {error !== null && <Callout kind="failed" role="alert"><p>{error}</p></Callout>}
      <TextInput
        ref={first} label="User" name="username" description="Such as admin@local; without a realm it is @local"
        value={user} onChange={(event) => setUser(event.currentTarget.value)} error={tried && user.trim() === '' ? 'The user name is missing.' : null}
        autoComplete="username" autoCapitalize="none" spellCheck={false} disabled={busy}
      />
      <PasswordInput
        label="Password" name="password" value={password} onChange={(event) => setPassword(event.currentTarget.value)}
        error={tried && password === '' ? 'The password is missing.' : null} autoComplete="current-password" spellCheck={false} disabled={busy}
      />
      <Button type="submit" fullWidth loading={busy}>Sign in</Button>
      <p className={classes.other}>
        <Anchor component="button" type="button" size="sm" underline="always" onClick={() => onStep({ at: 'token' })}>Sign in with a token instead</Anchor>
      </p>
      <Ways />
    </form>
  );
}
