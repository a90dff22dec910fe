// The five metrics of the Statistics panel: what they are, how they are written, when they are marked.
import type { Figures, Metrics } from '../api/model';
import { formatBytes, formatRate } from '../format/bytes';

export const METRICS = ['transfer', 'read', 'dedup', 'compression', 'size'] as const;
export type Metric = (typeof METRICS)[number];

export const NAMES: Record<Metric, string> = {
  transfer: 'Effective transfer rate',
  read: 'Source read rate',
  dedup: 'Deduplication hit rate',
  compression: 'Compression ratio',
  size: 'Pre-encrypt size vs. on-disk size',
};

export const MEANINGS: Record<Metric, string> = {
  transfer: 'Stored bytes a second, while runs went on',
  read: 'Bytes a second read from the workload',
  dedup: 'Part of the chunks that the datastore held already',
  compression: 'New chunks before compression, over the same on disk',
  size: 'Content of the snapshots, and what was stored for it',
};

export const formatPercent = (value: number) => `${value.toFixed(1)} %`;
export const formatTimes = (value: number) => `${value.toFixed(2)}×`;

/** One metric as people read it; null when nothing can be said. */
export function shown(metric: Metric, metrics: Metrics): string | null {
  const { transfer_rate, read_rate, dedup_hit_percent, compression_ratio, pre_encrypt_bytes, on_disk_bytes, reduction_ratio } = metrics;
  switch (metric) {
    case 'transfer':
      return transfer_rate == null ? null : formatRate(transfer_rate);
    case 'read':
      return read_rate == null ? null : formatRate(read_rate);
    case 'dedup':
      return dedup_hit_percent == null ? null : formatPercent(dedup_hit_percent);
    case 'compression':
      return compression_ratio == null ? null : formatTimes(compression_ratio);
    case 'size':
      if (pre_encrypt_bytes === 0 && on_disk_bytes === 0) return null;
      return `${formatBytes(pre_encrypt_bytes)} → ${formatBytes(on_disk_bytes)}${reduction_ratio == null ? '' : ` (${formatTimes(reduction_ratio)})`}`;
  }
}

/** Why a metric is marked; null when it is not. */
export function markOf(metric: Metric, { marks }: Metrics): string | null {
  if (metric === 'dedup' && marks.includes('low-dedup-hit-rate')) return 'below 70 %';
  if (metric === 'compression' && marks.includes('compression-outside-range')) return 'outside of 2× to 4×';
  return null;
}

/** What a chart of the metric draws, one or two values a point. */
export const SERIES: Record<Metric, { name: string; color: string }[]> = {
  transfer: [{ name: NAMES.transfer, color: 'var(--bar)' }],
  read: [{ name: NAMES.read, color: 'var(--bar)' }],
  dedup: [{ name: NAMES.dedup, color: 'var(--bar)' }],
  compression: [{ name: NAMES.compression, color: 'var(--bar)' }],
  size: [{ name: 'Pre-encrypt', color: 'var(--bar-done)' }, { name: 'On disk', color: 'var(--bar)' }],
};

export function valuesOf(metric: Metric, { metrics }: Figures): (number | null)[] {
  switch (metric) {
    case 'transfer':
      return [metrics.transfer_rate ?? null];
    case 'read':
      return [metrics.read_rate ?? null];
    case 'dedup':
      return [metrics.dedup_hit_percent ?? null];
    case 'compression':
      return [metrics.compression_ratio ?? null];
    case 'size':
      return [metrics.pre_encrypt_bytes, metrics.on_disk_bytes];
  }
}

export const FORMATS: Record<Metric, (value: number) => string> = { transfer: formatRate, read: formatRate, dedup: formatPercent, compression: formatTimes, size: formatBytes };

/** What a healthy production backup shows. */
export const BOUNDS: Record<Metric, { value: number; label: string }[]> = {
  transfer: [],
  read: [],
  dedup: [{ value: 70, label: '70 %' }],
  compression: [{ value: 2, label: '2×' }, { value: 4, label: '4×' }],
  size: [],
};
