// Asking before something is done: what will happen, a word for the others or other fields where there are some, and what
// went wrong.
import { Button, Modal, Textarea } from '@mantine/core';
import { type ReactNode, useState } from 'react';

import classes from './Ask.module.css';
import { useReturnFocus } from './focus';
import { Trouble } from './Trouble';

interface AskProps {
  title: string;
  /** What will happen. */
  children: ReactNode;
  confirm: string;
  danger?: boolean;
  busy: boolean;
  error: Error | null;
  /** With it, a comment is asked for: its label. */
  comment?: string;
  onConfirm: (comment: string) => void;
  /** Without it there is no other way out than to confirm. */
  onClose?: () => void;
}

const nothing = () => undefined;

/** Stays open until it is done, so that nothing typed is lost when it fails. */
export function Ask({ title, children, confirm, danger = false, busy, error, comment, onConfirm, onClose }: AskProps) {
  useReturnFocus();
  const [text, setText] = useState('');
  return (
    // Put together by hand, for the ready-made header would be another banner to screen readers.
    <Modal.Root opened onClose={onClose ?? nothing} centered size="md">
      <Modal.Overlay />
      <Modal.Content>
        <div className={classes.header}>
          <Modal.Title className={classes.title}>{title}</Modal.Title>
          {onClose !== undefined && <Modal.CloseButton aria-label="Close" />}
        </div>
        <Modal.Body>
          <form
            className={classes.ask}
            onSubmit={(event) => {
              event.preventDefault();
              onConfirm(text);
            }}
          >
            <div>{children}</div>
            {comment !== undefined && (
              <Textarea label={comment} description="Optional; the others see it." value={text} maxLength={1_000} autosize minRows={2} data-autofocus onChange={(event) => setText(event.currentTarget.value)} />
            )}
            <Trouble error={error} />
            <div className={classes.choices}>
              {onClose !== undefined && <Button variant="default" onClick={onClose}>Not now</Button>}
              <Button type="submit" loading={busy} {...(danger ? { color: 'red.8' } : {})}>{confirm}</Button>
            </div>
          </form>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

/** Fields that are to be filled in before. */
export function Fields({ children }: { children: ReactNode }) {
  return <div className={classes.fields}>{children}</div>;
}
