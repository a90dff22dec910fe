// The parts of a page: its heading, framed panels, and what a panel says when it has nothing to show.
import { Button, Skeleton } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { type ReactNode, useId } from 'react';

import { ApiError } from '../api/client';
import classes from './Panel.module.css';

export function PageHead({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={classes.head}>
      <h1>{title}</h1>
      {children}
    </div>
  );
}

interface PanelProps {
  title: string;
  count?: number | undefined;
  side?: ReactNode;
  children: ReactNode;
  flush?: boolean;
}

export function Panel({ title, count, side, children, flush = false }: PanelProps) {
  const id = useId();
  return (
    <section className={classes.panel} aria-labelledby={id}>
      <header>
        <h2 id={id}>
          {title}
          {count !== undefined && count > 0 && <span className={classes.count}>{count}</span>}
        </h2>
        {side}
      </header>
      <div className={flush ? undefined : classes.body}>{children}</div>
    </section>
  );
}

export function Empty({ icon, title, children }: { icon: ReactNode; title: string; children?: ReactNode }) {
  return (
    <div className={classes.empty}>
      <span className={classes.sign} aria-hidden>{icon}</span>
      <p className={classes.title}>{title}</p>
      {children !== undefined && <div>{children}</div>}
    </div>
  );
}

/** Why something could not be shown, with the code and the request's id for whoever is asked for help. */
export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const known = error instanceof ApiError ? error : null;
  // What the hub refused once, it refuses again.
  const refused = known !== null && known.status >= 400 && known.status < 500;
  return (
    <div className={classes.empty} role="alert">
      <span className={classes.sign} data-bad aria-hidden><IconPlugConnectedX size={22} /></span>
      <p className={classes.title}>{error.message}</p>
      {known !== null && (
        <p className={classes.small}>
          <code>{known.code}</code>
          {known.requestId !== null && <> · request <code>{known.requestId}</code></>}
        </p>
      )}
      {retry !== undefined && !refused && <Button variant="default" size="xs" onClick={retry}>Try again</Button>}
    </div>
  );
}

/** Grey lines in the place of `rows` lines that are on their way. */
export function Loading({ rows, height = 18 }: { rows: number; height?: number }) {
  return (
    <div className={classes.loading} role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, at) => (
        <Skeleton key={at} height={height} radius="sm" width={`${100 - ((at * 13) % 30)}%`} />
      ))}
    </div>
  );
}
