// The first administrator of a new hub, made with the link that the hub printed, and signed in at once.
import { Button, PasswordInput, TextInput } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { type SubmitEvent, useEffect, useState } from 'react';

import { setUpHub, signInByPassword, type SignedIn, useAdmit } from '../api/account';
import { ApiError } from '../api/client';
import { forgetSetUpToken, setUpToken } from '../api/login';
import { Callout } from '../ui/Callout';
import { Mark } from '../ui/Mark';
import classes from './SignIn.module.css';
import { StepForm } from './SignInPage';
import { type Step, stepOf, useFirstField } from './steps';
import { explainSetUp, passwordFault } from './words';

export function SetUpPage() {
  const [step, setStep] = useState<Step | null>(null);
  const admit = useAdmit();
  const navigate = useNavigate();
  useEffect(() => {
    document.title = 'Set up · Ironcore Backup';
  }, []);
  const done = (signedIn: SignedIn) => {
    admit(signedIn);
    void navigate({ to: '/', replace: true });
  };
  return (
    <main className={classes.page}>
      <div className={classes.card}>
        <Mark size={34} />
        <h1>{step === null ? 'Set up Ironcore Backup' : 'Sign in to Ironcore Backup'}</h1>
        {step === null ? <SetUpForm onDone={done} onStep={setStep} /> : <StepForm step={step} onDone={done} onStep={setStep} />}
      </div>
    </main>
  );
}

function SetUpForm({ onDone, onStep }: { onDone: (signedIn: SignedIn) => void; onStep: (step: Step) => void }) {
  const first = useFirstField();
  const [linked] = useState(setUpToken);
  const [token, setToken] = useState(linked);
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const faults = {
    token: token.trim() === '' ? 'The token is missing.' : null,
    user: user.trim() === '' ? 'The user name is missing.' : null,
    password: passwordFault(password, user),
    again: again === password ? null : 'It is not the same.',
  };
  const said = (key: string) => (error instanceof ApiError ? error.faults.find((fault) => fault.key === key)?.detail : undefined);
  const isSetUp = error instanceof ApiError && error.status === 409;

  const setUp = async (event: SubmitEvent) => {
    event.preventDefault();
    setTried(true);
    setError(null);
    if (Object.values(faults).some((fault) => fault !== null)) return;
    setBusy(true);
    try {
      const made = await setUpHub({ token: token.trim(), user: user.trim(), password });
      forgetSetUpToken();
      // The administrator is there, whatever becomes of signing in.
      const signedIn = await signInByPassword(made, password).catch(() => null);
      if (signedIn === null) onStep({ at: 'password' });
      else if (signedIn.by === 'factor') onStep(stepOf(signedIn.wanted));
      else onDone(signedIn);
    } catch (cause) {
      setError(cause);
      setBusy(false);
    }
  };
  return (
    <form className={classes.form} onSubmit={(event) => void setUp(event)} noValidate>
      <p>Make the first administrator. It may do everything, and makes the other users.</p>
      {error !== null && said('user') === undefined && said('password') === undefined && (
        <Callout kind="failed" role="alert"><p>{explainSetUp(error)}</p>{isSetUp && <p><Link to="/">Go to the sign-in page</Link></p>}</Callout>
      )}
      {(linked === '' || (error instanceof ApiError && error.status === 401)) && (
        <PasswordInput
          label="Set-up token" description="From the link that the hub printed, or from setup.token of its data folder" value={token} error={tried ? faults.token : null}
          autoComplete="off" spellCheck={false} disabled={busy} onChange={(event) => setToken(event.currentTarget.value)}
        />
      )}
      <TextInput
        ref={first} label="User" name="username" description="Such as alice; it becomes alice@local" value={user} error={said('user') ?? (tried ? faults.user : null)}
        autoComplete="username" autoCapitalize="none" spellCheck={false} disabled={busy} onChange={(event) => setUser(event.currentTarget.value)}
      />
      <PasswordInput
        label="Password" description="12 characters or more" value={password} error={said('password') ?? (tried ? faults.password : null)} autoComplete="new-password"
        disabled={busy} onChange={(event) => setPassword(event.currentTarget.value)}
      />
      <PasswordInput label="Password again" value={again} error={tried ? faults.again : null} autoComplete="new-password" disabled={busy} onChange={(event) => setAgain(event.currentTarget.value)} />
      <Button type="submit" fullWidth loading={busy}>Make the administrator and sign in</Button>
    </form>
  );
}
