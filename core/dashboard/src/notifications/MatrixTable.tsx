// Event types down, handlers across; with `onChange` every cell is a button.
import { Button } from '@mantine/core';
import { IconCheck, IconMinus } from '@tabler/icons-react';
import { Fragment } from 'react';

import { EVENT_GROUPS, type Handler, type ShortEventType } from '../api/model';
import { type Cell, cellOf, isTold, type Matrix, rowOf, toggled, withoutRow } from './matrix';
import classes from './MatrixEditor.module.css';

const WORDS: Record<Cell, string> = {
  told: 'told, by the matrix',
  'left-out': 'not told, by the matrix',
  'by-filter': 'told, by its own event types',
  'by-default': 'told, by the default rule',
  not: 'not told',
};

interface MatrixTableProps {
  matrix: Matrix;
  handlers: readonly Handler[];
  changed?: readonly ShortEventType[];
  onChange?: (matrix: Matrix) => void;
}

export function MatrixTable({ matrix, handlers, changed = [], onChange }: MatrixTableProps) {
  return (
    <>
      {/* A scrolling region has to be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={classes.scroll} role="region" aria-label="Event matrix, scrolls sideways" tabIndex={0}>
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Event</th>
              {handlers.map((handler) => <th key={handler.name} scope="col">{handler.name}<small>{handler.plugin}</small></th>)}
              <th scope="col">Decided by</th>
            </tr>
          </thead>
          <tbody>
            {EVENT_GROUPS.map(({ about, types }) => (
              <Fragment key={about}>
                <tr><th colSpan={handlers.length + 2} scope="colgroup" className={classes.about}>{about}</th></tr>
                {types.map((type) => {
                  const own = rowOf(matrix, type) !== null;
                  return (
                    <tr key={type} data-changed={changed.includes(type) || undefined}>
                      <th scope="row">{type}</th>
                      {handlers.map((handler) => (
                        <td key={handler.name}>
                          <MatrixCell cell={cellOf(matrix, type, handler)} type={type} handler={handler.name} {...(onChange === undefined ? {} : { onToggle: () => onChange(toggled(matrix, type, handler, handlers)) })} />
                        </td>
                      ))}
                      <td>
                        {own ? 'this row' : 'filter or default'}
                        {own && onChange !== undefined && (
                          <Button size="compact-xs" variant="subtle" ml={6} aria-label={`Take out the row of ${type}`} onClick={() => onChange(withoutRow(matrix, type))}>Take out</Button>
                        )}
                      </td>
                    </tr>
                  );
                })}
              </Fragment>
            ))}
          </tbody>
        </table>
      </div>
      <ul className={classes.legend} aria-label="Legend">
        {(['told', 'by-default', 'not'] as const).map((cell) => (
          <li key={cell}><Face cell={cell} /> {cell === 'told' ? 'told, by the matrix' : cell === 'not' ? 'not told' : 'told, by its own event types or the default rule'}</li>
        ))}
        <li>Of verifications only bad ones are told by default.</li>
      </ul>
    </>
  );
}

function Sign({ cell }: { cell: Cell }) {
  return isTold(cell) ? <IconCheck size={15} stroke={2.4} aria-hidden /> : <IconMinus size={13} stroke={1.8} aria-hidden />;
}

function Face({ cell }: { cell: Cell }) {
  return <span className={classes.cell} data-cell={cell} aria-hidden><Sign cell={cell} /></span>;
}

function MatrixCell({ cell, type, handler, onToggle }: { cell: Cell; type: string; handler: string; onToggle?: () => void }) {
  if (onToggle === undefined) {
    return <span className={classes.cell} data-cell={cell} role="img" aria-label={WORDS[cell]} title={WORDS[cell]}><Sign cell={cell} /></span>;
  }
  return (
    <button type="button" className={classes.cell} data-cell={cell} aria-pressed={isTold(cell)} aria-label={`${handler} is told of ${type}`} title={WORDS[cell]} onClick={onToggle}>
      <Sign cell={cell} />
    </button>
  );
}
