// A second factor that the hub demands, set up on the way in: its secret, the first code, and the codes that stand in for it.
import { Anchor, Button } from '@mantine/core';
import { type SubmitEvent, useEffect, useState } from 'react';

import { signInByCode, useProposedOnTheWay } from '../api/factor';
import type { FactorWanted, LoggedIn } from '../api/model';
import { useZone } from '../shell/zone';
import { Callout } from '../ui/Callout';
import { Failure, Loading } from '../ui/Panel';
import { CodeField, RecoveryCodes, SecretSteps } from './FactorParts';
import classes from './SignIn.module.css';
import type { StepProps } from './steps';
import { codeFault, explainCode, isStepOver } from './words';

export function NewFactorStep({ wanted, onDone, onStep }: StepProps & { wanted: FactorWanted }) {
  const { zone } = useZone();
  const proposed = useProposedOnTheWay(wanted.step);
  const [code, setCode] = useState('');
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [done, setDone] = useState<LoggedIn | null>(null);
  const over = isStepOver(proposed.error);
  useEffect(() => {
    if (over) onStep({ at: 'password', over: true });
  }, [over, onStep]);

  const confirm = async (event: SubmitEvent) => {
    event.preventDefault();
    setTried(true);
    setError(null);
    if (codeFault(code, false) !== null) return;
    setBusy(true);
    try {
      setDone(await signInByCode(wanted.step, code));
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
  if (done !== null) {
    return (
      <div className={classes.form}>
        <h2>Your second factor is set up</h2>
        <RecoveryCodes codes={done.recovery_codes ?? []} />
        <Button fullWidth onClick={() => onDone({ by: 'cookie', answer: done })}>I have kept them</Button>
      </div>
    );
  }
  return (
    <form className={classes.form} onSubmit={(event) => void confirm(event)} noValidate>
      <h2>Set up a second factor</h2>
      <p>Your role is for who has one. From now on a code is asked for after the password.</p>
      {proposed.error !== null && <Failure error={proposed.error} />}
      {proposed.isPending && <Loading rows={4} height={30} />}
      {proposed.data !== undefined && (
        <>
          <SecretSteps proposed={proposed.data} />
          {error !== null && <Callout kind="failed" role="alert"><p>{error}</p></Callout>}
          <CodeField value={code} error={tried ? codeFault(code, false) : null} label="First code" disabled={busy} onChange={setCode} />
          <Button type="submit" fullWidth loading={busy}>Set up and sign in</Button>
        </>
      )}
      <p className={classes.other}><Anchor component="button" type="button" size="sm" underline="always" onClick={() => onStep({ at: 'password' })}>Begin again</Anchor></p>
    </form>
  );
}
