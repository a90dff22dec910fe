// The drawing of a chart; apart, so that its library is fetched only when there is something to draw.
import '@mantine/charts/styles.css';

import { AreaChart, BarChart, LineChart } from '@mantine/charts';
import { useMemo } from 'react';

import type { ChartProps } from './Chart';

export default function ChartDrawing({ points, series, kind, format, formatTime, bounds = [], fromZero = true, height = 240 }: ChartProps) {
  const data = useMemo(
    () => points.map(({ at, values }) => Object.fromEntries([['at', formatTime(at)], ...series.map(({ name }, place) => [name, values[place] ?? null] as const)])),
    [points, series, formatTime],
  );
  const common = {
    h: height,
    data,
    dataKey: 'at',
    series,
    valueFormatter: format,
    withLegend: false,
    gridAxis: 'y' as const,
    tickLine: 'none' as const,
    yAxisProps: { width: 76, domain: [fromZero ? 0 : 'auto', 'auto'] as ['auto' | 0, 'auto'] },
    xAxisProps: { minTickGap: 40 },
    referenceLines: bounds.map(({ value, label }) => ({ y: value, label, color: 'var(--text-2)' })),
    textColor: 'var(--text-2)',
    gridColor: 'var(--line)',
  };
  // What moves by itself distracts from what it tells.
  const still = { isAnimationActive: false };
  if (kind === 'bar') return <BarChart {...common} maxBarWidth={26} barProps={still} type="stacked" />;
  if (kind === 'area') return <AreaChart {...common} curveType="linear" withDots={false} areaProps={still} type="stacked" />;
  return <LineChart {...common} curveType="linear" withDots={points.length < 45} lineProps={still} connectNulls={false} />;
}
