// The second factor, after the password: a code of the authenticator, or a recovery code.
import { Anchor, Button } from '@mantine/core';
import { type SubmitEvent, useState } from 'react';

import { signInByCode } from '../api/factor';
import type { FactorWanted } from '../api/model';
import { useZone } from '../shell/zone';
import { Callout } from '../ui/Callout';
import { CodeField } from './FactorParts';
import classes from './SignIn.module.css';
import { type StepProps, useFirstField } from './steps';
import { codeFault, explainCode, isStepOver } from './words';

export function CodeStep({ wanted, onDone, onStep }: StepProps & { wanted: FactorWanted }) {
  const { zone } = useZone();
  const first = useFirstField();
  const [recovery, setRecovery] = useState(false);
  const [code, setCode] = useState('');
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const signIn = async (event: SubmitEvent) => {
    event.preventDefault();
    setTried(true);
    setError(null);
    if (codeFault(code, recovery) !== null) return;
    setBusy(true);
    try {
      onDone({ by: 'cookie', answer: await signInByCode(wanted.step, code) });
    } catch (cause) {
      if (isStepOver(cause)) {
        onStep({ at: 'password', over: true });
        return;
      }
      setError(explainCode(cause, zone, Date.now()));
      setCode('');
      setTried(false);
      setBusy(false);
    }
  };
  const other = () => {
    setRecovery(!recovery);
    setCode('');
    setTried(false);
    setError(null);
    first.current?.focus();
  };
  return (
    <form className={classes.form} onSubmit={(event) => void signIn(event)} noValidate>
      <h2>Your second factor</h2>
      {error !== null && <Callout kind="failed" role="alert"><p>{error}</p></Callout>}
      <CodeField field={first} value={code} error={tried ? codeFault(code, recovery) : null} recovery={recovery} disabled={busy} onChange={setCode} />
      <Button type="submit" fullWidth loading={busy}>Sign in</Button>
      <p className={classes.other}>
        <Anchor component="button" type="button" size="sm" underline="always" onClick={other}>{recovery ? 'Use the authenticator' : 'Use a recovery code'}</Anchor>
        <Anchor component="button" type="button" size="sm" underline="always" onClick={() => onStep({ at: 'password' })}>Begin again</Anchor>
      </p>
    </form>
  );
}
