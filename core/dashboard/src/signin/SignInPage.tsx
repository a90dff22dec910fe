// Signing in, at whatever address somebody wanted to go to: the page of that address opens afterwards.
import { useEffect, useState } from 'react';

import { useAdmit } from '../api/account';
import { type Ending, lastEnding } from '../api/login';
import { Callout } from '../ui/Callout';
import { Mark } from '../ui/Mark';
import { PasswordStep } from './PasswordStep';
import classes from './SignIn.module.css';
import type { Step, StepProps } from './steps';
import { TokenStep } from './TokenStep';

const ENDINGS: Record<NonNullable<Ending>, { kind: 'warning' | 'ok'; text: string }> = {
  refused: { kind: 'warning', text: 'You were signed out. Sign in to go on where you were.' },
  'new-password': { kind: 'ok', text: 'Your password is changed, and you are signed out everywhere. Sign in with the new one.' },
};

export function SignInPage() {
  const admit = useAdmit();
  const [step, setStep] = useState<Step>({ at: 'password' });
  const ending = lastEnding();
  useEffect(() => {
    document.title = 'Sign in · Ironcore Backup';
  }, []);
  return (
    <main className={classes.page}>
      <div className={classes.card}>
        <Mark size={34} />
        <h1>Sign in to Ironcore Backup</h1>
        {ending !== null && <Callout kind={ENDINGS[ending].kind} role="status"><p>{ENDINGS[ending].text}</p></Callout>}
        <StepForm step={step} onDone={admit} onStep={setStep} />
      </div>
    </main>
  );
}

function StepForm({ step, ...props }: StepProps & { step: Step }) {
  switch (step.at) {
    case 'password':
      return <PasswordStep {...props} />;
    case 'token':
      return <TokenStep {...props} />;
  }
}
