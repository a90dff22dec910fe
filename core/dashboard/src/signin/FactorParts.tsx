// What second factors are made of: the code that is typed, the secret for the authenticator, and the codes that stand in for it.
import { Anchor, TextInput } from '@mantine/core';
import type { Ref } from 'react';

import type { ProposedFactor } from '../api/model';
import { Callout } from '../ui/Callout';
import { CopyBox, CopyButton } from '../ui/Copy';
import classes from './SignIn.module.css';
import { inGroups } from './words';

interface CodeFieldProps {
  value: string;
  error: string | null;
  onChange: (value: string) => void;
  /** A recovery code is wanted instead. */
  recovery?: boolean;
  label?: string;
  disabled?: boolean;
  field?: Ref<HTMLInputElement>;
}

export function CodeField({ value, error, onChange, recovery = false, label, disabled = false, field = null }: CodeFieldProps) {
  return (
    <TextInput
      ref={field} className={classes.code ?? ''} label={label ?? (recovery ? 'Recovery code' : 'Code')} name="code"
      description={recovery ? 'One of those that you kept; each is good once' : 'Six digits that your authenticator shows'}
      value={value} error={error} onChange={(event) => onChange(event.currentTarget.value)} disabled={disabled}
      autoComplete={recovery ? 'off' : 'one-time-code'} inputMode={recovery ? 'text' : 'numeric'} autoCapitalize="none" spellCheck={false}
    />
  );
}

/** How the secret gets into an authenticator. */
export function SecretSteps({ proposed }: { proposed: ProposedFactor }) {
  return (
    <ol className={classes.steps}>
      <li>
        Add an account to your authenticator with this secret:
        <CopyBox value={proposed.secret} shown={inGroups(proposed.secret)} what="secret" />
        <div className={classes.copy}>
          <Anchor href={proposed.url} size="sm" underline="always">Open it in an authenticator of this device</Anchor>
          <CopyButton value={proposed.url} what="otpauth link" />
        </div>
      </li>
      <li>Type the first code that it shows.</li>
    </ol>
  );
}

/** Shown once: whoever leaves without them has the authenticator alone. */
export function RecoveryCodes({ codes }: { codes: readonly string[] }) {
  return (
    <div className={classes.shown}>
      <Callout kind="warning"><p>Keep these recovery codes where your telephone is not. Each stands in for a code once, and they are shown this once.</p></Callout>
      <ul className={classes.codes} aria-label="Recovery codes">{codes.map((code) => <li key={code}>{code}</li>)}</ul>
      <div className={classes.copy}><CopyButton value={codes.join('\n')} what="all recovery codes" />Copy all of them</div>
    </div>
  );
}
