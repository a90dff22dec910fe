// A table that becomes a list of cards where there is little room. Each card tells its values by their columns' names.
import { Button } from '@mantine/core';
import { type ReactNode, useState } from 'react';

import { formatCount } from '../format/bytes';
import classes from './DataTable.module.css';

export interface Column<T> {
  id: string;
  head: string;
  cell: (row: T) => ReactNode;
  /** Numbers stand at the end of their column. */
  end?: boolean;
  /** Stands at the head of a card, without the column's name. */
  lead?: boolean;
  /** Takes the whole width of a card. */
  wide?: boolean;
  /** A CSS width; the others share what is left. */
  width?: string;
  /** The head is only for screen readers, as over a column of buttons. */
  bare?: boolean;
}

interface DataTableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  /** Columns of fewer than these rem become cards. */
  cardsBelow?: 'narrow' | 'wide';
  /** Nothing is held back, as where the rows come page by page. */
  all?: boolean;
}

/** More rows than these are shown when they are asked for. */
const STEP = 200;

export function DataTable<T>({ label, columns, rows, rowKey, cardsBelow = 'wide', all = false }: DataTableProps<T>) {
  const [shown, setShown] = useState(all ? Infinity : STEP);
  /* eslint-disable jsx-a11y/no-redundant-roles, jsx-a11y/no-interactive-element-to-noninteractive-role -- the roles are
     named because cards are no longer a table to browsers, while they still are one to people. */
  return (
    <div className={classes.scroll}>
      <table className={classes.table} data-cards={cardsBelow} role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.id} role="columnheader" scope="col" data-end={column.end} style={column.width === undefined ? undefined : { width: column.width }}>
                <span className={column.bare === true ? classes.hidden : undefined}>{column.head}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.slice(0, shown).map((row) => (
            <tr key={rowKey(row)} role="row">
              {columns.map((column) => (
                <td key={column.id} role="cell" data-end={column.end} data-lead={column.lead} data-wide={column.wide} data-bare={column.bare}>
                  {column.lead !== true && column.bare !== true && <span className={classes.name} aria-hidden>{column.head}</span>}
                  <div className={classes.value}>{column.cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shown && (
        <div className={classes.more}>
          <Button variant="default" size="xs" onClick={() => setShown(shown + STEP)}>
            Show more ({formatCount(rows.length - shown)} left)
          </Button>
        </div>
      )}
    </div>
  );
}
