// Signing in, at whatever address somebody wanted to go to: the page of that address opens afterwards.
import { lazy, Suspense, useEffect, useState } from 'react';

import { useAdmit } from '../api/account';
import { type Ending, lastEnding } from '../api/login';
import { Callout } from '../ui/Callout';
import { Mark } from '../ui/Mark';
import { Loading } from '../ui/Panel';
import { PasswordStep } from './PasswordStep';
import classes from './SignIn.module.css';
import type { Step, StepProps } from './steps';
import { TokenStep } from './TokenStep';

const CodeStep = lazy(async () => ({ default: (await import('./CodeStep')).CodeStep }));
const NewFactorStep = lazy(async () => ({ default: (await import('./NewFactorStep')).NewFactorStep }));

const ENDINGS: Record<NonNullable<Ending>, { kind: 'warning' | 'ok'; text: string }> = {
  refused: { kind: 'warning', text: 'You were signed out. Sign in to go on where you were.' },
  'no-factor': { kind: 'ok', text: 'Your second factor is removed, and you are signed out everywhere. Sign in with the password alone.' },
  elsewhere: { kind: 'warning', text: 'Nobody was signed in there. Try again, or sign in with a password.' },
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
        {ending !== null && step.at === 'password' && step.over !== true && <Callout kind={ENDINGS[ending].kind} role="status"><p>{ENDINGS[ending].text}</p></Callout>}
        <StepForm step={step} onDone={(done) => admit(done)} onStep={setStep} />
      </div>
    </main>
  );
}

/** The form of a step, one after the other. */
export function StepForm({ step, ...props }: StepProps & { step: Step }) {
  switch (step.at) {
    case 'password':
      return <PasswordStep {...props} over={step.over === true} />;
    case 'token':
      return <TokenStep {...props} />;
    case 'code':
      return <Suspense fallback={<Loading rows={3} height={36} />}><CodeStep {...props} wanted={step.wanted} /></Suspense>;
    case 'new-factor':
      return <Suspense fallback={<Loading rows={6} height={36} />}><NewFactorStep {...props} wanted={step.wanted} /></Suspense>;
  }
}
