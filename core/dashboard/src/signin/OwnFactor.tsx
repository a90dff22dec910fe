// The second factor of whoever is signed in: setting it up with the password and a first code, or removing it with both.
import { PasswordInput } from '@mantine/core';
import { useState } from 'react';

import { useConfirmFactor, useOwnFactor, useProposeFactor, useRemoveFactor } from '../api/factor';
import { Ask, Fields } from '../ui/Ask';
import { Callout } from '../ui/Callout';
import { Failure, Loading } from '../ui/Panel';
import { Time } from '../ui/Time';
import { tellDone } from '../ui/Trouble';
import { CodeField, RecoveryCodes, SecretSteps } from './FactorParts';
import { codeFault } from './words';

interface OwnProps {
  user: string;
  onClose: () => void;
}

export function OwnFactor(props: OwnProps) {
  const { data, error } = useOwnFactor();
  // What was found at first counts: setting it up goes on after there is one.
  const [begun, setBegun] = useState(false);
  if (data === undefined) {
    return <Ask title="My second factor" confirm="Close" busy={false} error={null} onConfirm={props.onClose} onClose={props.onClose}>{error === null ? <Loading rows={3} /> : <Failure error={error} />}</Ask>;
  }
  if (data.since == null || begun) return <SetUp {...props} onBegun={() => setBegun(true)} />;
  return <Remove {...props} since={data.since} left={data.recovery_codes} demanded={data.demanded} />;
}

function Password({ user, value, error, onChange }: { user: string; value: string; error: string | null; onChange: (value: string) => void }) {
  return (
    <>
      <input type="text" name="username" autoComplete="username" value={user} readOnly hidden />
      <PasswordInput label="Password" autoComplete="current-password" data-autofocus value={value} error={error} onChange={(event) => onChange(event.currentTarget.value)} />
    </>
  );
}

function SetUp({ user, onClose, onBegun }: OwnProps & { onBegun: () => void }) {
  const propose = useProposeFactor();
  const confirm = useConfirmFactor();
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [tried, setTried] = useState(false);
  if (confirm.data !== undefined) {
    const close = () => {
      onClose();
      tellDone('Your second factor is set up', 'A code is asked for after the password from now on.');
    };
    return <Ask title="Your recovery codes" confirm="I have kept them" busy={false} error={null} onConfirm={close}><Fields><RecoveryCodes codes={confirm.data} /></Fields></Ask>;
  }
  if (propose.data !== undefined) {
    const fault = codeFault(code, false);
    const submit = () => {
      setTried(true);
      if (fault === null) confirm.mutate(code);
    };
    return (
      <Ask title="Set up a second factor" confirm="Set up" busy={confirm.isPending} error={confirm.error} onConfirm={submit} onClose={onClose}>
        <Fields>
          <SecretSteps proposed={propose.data} />
          <CodeField value={code} error={tried ? fault : null} label="First code" onChange={setCode} />
        </Fields>
      </Ask>
    );
  }
  const submit = () => {
    setTried(true);
    if (password === '') return;
    propose.mutate(password, {
      onSuccess: () => {
        setTried(false);
        onBegun();
      },
    });
  };
  return (
    <Ask title="Set up a second factor" confirm="Go on" busy={propose.isPending} error={propose.error} onConfirm={submit} onClose={onClose}>
      <Fields>
        <p>After the password, a code of an authenticator is asked for. Have one at hand, such as an app of your telephone.</p>
        <Password user={user} value={password} error={tried && password === '' ? 'The password is missing.' : null} onChange={setPassword} />
      </Fields>
    </Ask>
  );
}

function Remove({ user, onClose, since, left, demanded }: OwnProps & { since: string; left: number; demanded: boolean }) {
  const remove = useRemoveFactor();
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [tried, setTried] = useState(false);
  // Either kind of code is good.
  const fault = codeFault(code, false) === null || codeFault(code, true) === null ? null : codeFault(code, false);
  const facts = <p>It is asked for since <Time at={since} />. {left === 1 ? 'One recovery code is' : `${left} recovery codes are`} left.</p>;
  if (demanded) {
    return (
      <Ask title="My second factor" confirm="Close" busy={false} error={null} onConfirm={onClose} onClose={onClose}>
        <Fields>{facts}<Callout kind="quiet"><p>One of your roles demands it, so that you cannot remove it. When the authenticator is lost, an administrator takes it away.</p></Callout></Fields>
      </Ask>
    );
  }
  const submit = () => {
    setTried(true);
    if (password !== '' && fault === null) remove.mutate({ password, code: code.trim() });
  };
  return (
    <Ask title="Remove my second factor" confirm="Remove" danger busy={remove.isPending} error={remove.error} onConfirm={submit} onClose={onClose}>
      <Fields>
        {facts}
        <p>Without it the password alone signs you in. You are signed out everywhere, here too.</p>
        <Password user={user} value={password} error={tried && password === '' ? 'The password is missing.' : null} onChange={setPassword} />
        <CodeField value={code} error={tried ? fault : null} label="Code, or a recovery code" onChange={setCode} />
      </Fields>
    </Ask>
  );
}
