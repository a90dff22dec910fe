import { describe, expect, it } from 'vitest';

import type { Figures, Metrics } from '../api/model';
import { markOf, METRICS, shown, valuesOf } from './metrics';

const some: Metrics = {
  transfer_rate: 2 ** 20, read_rate: 2 ** 22, dedup_hit_percent: 59.67, compression_ratio: 1.326, pre_encrypt_bytes: 2 ** 30, on_disk_bytes: 2 ** 28, reduction_ratio: 4,
  marks: ['low-dedup-hit-rate', 'compression-outside-range'],
};
const none: Metrics = { pre_encrypt_bytes: 0, on_disk_bytes: 0, marks: [] };

describe('the five metrics', () => {
  it('are written with their units', () => {
    expect(METRICS.map((metric) => shown(metric, some))).toEqual(['1.00 MiB/s', '4.00 MiB/s', '59.7 %', '1.33×', '1.00 GiB → 256 MiB (4.00×)']);
  });
  it('say nothing where there is nothing', () => expect(METRICS.map((metric) => shown(metric, none))).toEqual([null, null, null, null, null]));
  it('are marked when unlike a healthy backup', () => {
    expect(METRICS.map((metric) => markOf(metric, some))).toEqual([null, null, 'below 70 %', 'outside of 2× to 4×', null]);
    expect(METRICS.map((metric) => markOf(metric, none))).toEqual([null, null, null, null, null]);
  });
  it('make points of a chart', () => expect([valuesOf('dedup', { metrics: none } as Figures), valuesOf('size', { metrics: some } as Figures)]).toEqual([[null], [2 ** 30, 2 ** 28]]));
});
