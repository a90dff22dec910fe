// The drawing of a chart; apart, so that its library is fetched only when there is something to draw.
import '@mantine/charts/styles.css';

import { AreaChart, BarChart, LineChart } from '@mantine/charts';
import { useMemo } from 'react';

import type { ChartProps } from './Chart';

export default function ChartDrawing({ points, series, kind, format, formatTime, bounds = [], fromZero = true, height = 240 }: ChartProps) {
  const data = useMemo(
    () => points.map(({ at, values }): Record<string, string | number | null> => Object.fromEntries<string | number | null>([['at', formatTime(at)], ...series.map(({ name }, place) => [name, values[place] ?? null] as const)])),
    [points, series, formatTime],
  );
  const common = {
    h: height,
    data,
    dataKey: 'at',
    series,
    valueFormatter: format,
    withLegend: false,
    gridAxis: 'x' as const,
    tickLine: 'none' as const,
    yAxisProps: { width: 76, domain: [fromZero ? 0 : 'auto', 'auto'] as ['auto' | 0, 'auto'] },
    xAxisProps: { minTickGap: 40 },
    referenceLines: bounds.map(({ value, label }) => ({ y: value, label, color: 'var(--text-2)', labelPosition: 'insideTopRight' as const })),
    textColor: 'var(--text-2)',
    gridColor: 'var(--line)',
  };
  // What moves by itself distracts from what it tells.
  const still = { isAnimationActive: false };
  // The table is for those who do not see the drawing, so nothing in it takes the focus.
  const unfocused = { accessibilityLayer: false };
  if (kind === 'bar') return <BarChart {...common} barChartProps={unfocused} maxBarWidth={26} barProps={still} />;
  if (kind === 'area') return <AreaChart {...common} areaChartProps={unfocused} curveType="linear" withDots={false} areaProps={still} type="stacked" />;
  return <LineChart {...common} lineChartProps={unfocused} curveType="linear" withDots={points.length < 45} lineProps={still} connectNulls={false} />;
}
