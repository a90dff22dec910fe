// Copying to the clipboard, also where the browser gives no clipboard to pages without TLS.
import { ActionIcon, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';

import classes from './Copy.module.css';

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement('textarea');
    field.value = text;
    field.style.position = 'fixed';
    field.style.opacity = '0';
    // Inside an open panel the focus is held there, so the field has to be there too.
    (document.querySelector('[role="dialog"]') ?? document.body).append(field);
    field.select();
    // The only way left without a secure context, deprecated or not.
    const done = (document as { execCommand: (command: string) => boolean }).execCommand('copy');
    field.remove();
    return done;
  }
}

/** A button that copies `value`; `what` completes “Copy …”. */
export function CopyButton({ value, what, icon }: { value: string; what: string; icon?: React.ReactNode }) {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  useEffect(() => () => clearTimeout(timer.current ?? undefined), []);
  const copy = async (event: React.MouseEvent) => {
    event.stopPropagation();
    if (!(await copyText(value))) return;
    setCopied(true);
    clearTimeout(timer.current ?? undefined);
    timer.current = setTimeout(() => setCopied(false), 1_600);
  };
  const label = copied ? 'Copied' : `Copy ${what}`;
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size="sm" aria-label={label} onClick={(event) => void copy(event)}>
        {copied ? <IconCheck size={15} /> : (icon ?? <IconCopy size={15} />)}
      </ActionIcon>
    </Tooltip>
  );
}

/** A text in a frame, with a button that copies it. */
export function CopyBox({ value, what, label, shown = value }: { value: string; what: string; label?: string; /** As people read it better than it is copied. */ shown?: string }) {
  return (
    <div className={classes.command}>
      {label !== undefined && <span className={classes.label}>{label}</span>}
      <code>{shown}</code>
      <CopyButton value={value} what={what} />
    </div>
  );
}

/** The command that does the same as the page. */
export function CommandLine({ command }: { command: string }) {
  return <CopyBox value={command} what="command" label="Same by CLI" />;
}
