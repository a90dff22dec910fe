// The steps of signing in. A further one, such as a second factor, is a name here, a component that takes `StepProps`, and a
// line in `SignInPage`.
import { useEffect, useRef } from 'react';

import type { SignedIn } from '../api/account';
import type { FactorWanted } from '../api/model';

export type Step =
  | { at: 'password'; /** The step after it ran out. */ over?: boolean }
  | { at: 'token' }
  | { at: 'code'; wanted: FactorWanted }
  | { at: 'new-factor'; wanted: FactorWanted };

/** What comes after the password when a second factor is wanted. */
export function stepOf(wanted: FactorWanted): Step {
  return { at: wanted.set_up ? 'new-factor' : 'code', wanted };
}

export interface StepProps {
  /** Somebody is signed in. */
  onDone: (signedIn: SignedIn) => void;
  /** There is more to do, or to do it another way. */
  onStep: (step: Step) => void;
}

/** Puts the cursor into the first field of a step. */
export function useFirstField() {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus({ preventScroll: true }), []);
  return field;
}
