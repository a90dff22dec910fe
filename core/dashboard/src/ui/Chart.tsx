// A chart of values over time, with the same as a table. The library is fetched when the first chart is shown.
import { Button, Skeleton } from '@mantine/core';
import { IconChartLine, IconTable } from '@tabler/icons-react';
import { lazy, Suspense, useMemo, useState } from 'react';

import classes from './Chart.module.css';
import { type Column, DataTable } from './DataTable';
import { Time } from './Time';

const Drawing = lazy(() => import('./ChartDrawing'));

export interface Series {
  name: string;
  color: string;
}

export interface Point {
  at: string;
  /** In the order of the series; null where there is none. */
  values: (number | null)[];
}

export interface ChartProps {
  /** What it shows, for those who do not see it. */
  label: string;
  points: Point[];
  series: Series[];
  kind: 'area' | 'line' | 'bar';
  /** How a value is written, on the axis and in the table. */
  format: (value: number) => string;
  /** How a time is written on the axis. */
  formatTime: (at: string) => string;
  /** Lines across, such as the bounds of what is healthy. */
  bounds?: { value: number; label: string }[];
  /** From zero, unless only the change matters. */
  fromZero?: boolean;
  height?: number;
}

export function Chart(props: ChartProps) {
  const { label, points, series, format, height = 240 } = props;
  const [asTable, setAsTable] = useState(false);
  const columns = useMemo(
    (): Column<Point>[] => [
      { id: 'at', head: 'Time', cell: ({ at }) => <Time at={at} /> },
      ...series.map(({ name }, at): Column<Point> => ({ id: name, head: name, end: true, cell: ({ values }) => (values[at] == null ? '–' : format(values[at])) })),
    ],
    [series, format],
  );
  return (
    <figure className={classes.figure} aria-label={label}>
      {asTable ? (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to be reachable by keyboard
        <div className={classes.table} style={{ height }} role="region" aria-label={`${label}, as a table`} tabIndex={0}>
          <DataTable label={label} columns={columns} rows={points.toReversed()} rowKey={({ at }) => at} cardsBelow="narrow" />
        </div>
      ) : (
        <div style={{ height }} aria-hidden>
          <Suspense fallback={<Skeleton height={height} radius="sm" />}><Drawing {...props} height={height} /></Suspense>
        </div>
      )}
      <figcaption>
        <ul className={classes.legend}>
          {series.length > 1 && series.map(({ name, color }) => <li key={name}><i style={{ background: color }} aria-hidden />{name}</li>)}
        </ul>
        <Button size="compact-xs" variant="subtle" color="gray" className={classes.toggle} leftSection={asTable ? <IconChartLine size={14} aria-hidden /> : <IconTable size={14} aria-hidden />} onClick={() => setAsTable(!asTable)}>
          {asTable ? 'As a chart' : 'As a table'}
        </Button>
      </figcaption>
    </figure>
  );
}
