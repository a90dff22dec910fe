// Particulars as pairs of a name and a value.
import type { ReactNode } from 'react';

import classes from './Facts.module.css';

export type Fact = [name: string, value: ReactNode, wide?: boolean];

/** Those whose value is null are left out. */
export function Facts({ facts }: { facts: (Fact | null)[] }) {
  return (
    <dl className={classes.facts}>
      {facts.map((fact) =>
        fact === null ? null : (
          <div key={fact[0]} className={fact[2] === true ? classes.wide : undefined}>
            <dt>{fact[0]}</dt>
            <dd>{fact[1]}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
