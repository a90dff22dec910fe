// An action that is asked about first: what will happen, and what became of it when it failed.
import { Button, Modal } from '@mantine/core';
import { type ReactNode, useState } from 'react';

import { ApiError } from '../api/client';
import classes from './Confirm.module.css';

interface ConfirmProps {
  title: string;
  /** What will happen. */
  children: ReactNode;
  /** What the button says that does it. */
  action: string;
  danger?: boolean;
  busy: boolean;
  error: Error | null;
  onConfirm: () => void;
  onClose: () => void;
}

/** Stands only while it is asked; the focus goes back to where it came from. */
export function Confirm({ title, children, action, danger = false, busy, error, onConfirm, onClose }: ConfirmProps) {
  return (
    <Modal opened onClose={onClose} title={title} centered closeButtonProps={{ 'aria-label': 'Close' }} transitionProps={{ duration: 100 }}>
      <div className={classes.body}>
        {children}
        {error !== null && <Refused error={error} />}
      </div>
      <div className={classes.choices}>
        <Button variant="default" onClick={onClose} data-autofocus>Cancel</Button>
        <Button {...(danger ? { color: 'red.8' } : {})} loading={busy} onClick={onConfirm}>{action}</Button>
      </div>
    </Modal>
  );
}

/** Why the hub did not do it: its words, the code and the request. */
export function Refused({ error }: { error: Error }) {
  const problem = error instanceof ApiError ? error : null;
  return (
    <div className={classes.refused} role="alert">
      <p>{error.message}</p>
      {problem !== null && problem.faults.length > 0 && (
        <ul>{problem.faults.map((fault, at) => <li key={at}>{fault.key !== '' && <code>{fault.key}</code>} {fault.detail}</li>)}</ul>
      )}
      {problem !== null && (
        <p className={classes.code}><code>{problem.code}</code>{problem.requestId !== null && <> · request <code>{problem.requestId}</code></>}</p>
      )}
    </div>
  );
}

/** A key for one intention: it stays the same when the request is sent again, and is another for the next. */
export function useOnce(): { key: string; renew: () => void } {
  const [key, setKey] = useState(newKey);
  return { key, renew: () => setKey(newKey()) };
}

function newKey(): string {
  // Without TLS there is no `randomUUID`.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
