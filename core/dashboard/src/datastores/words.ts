// How full a datastore is and will be, in words. Pure functions of the answers.
import type { Datastore, FillDate, UsageHistory } from '../api/model';

/** The projected fill date as people read it: `2026-09-01`, `never`, `not enough history`; null when it is not shown. */
export function fillInWords(usage: UsageHistory | undefined): { short: string; why: string } | null {
  const fill: FillDate | undefined = usage?.projection?.fill;
  if (fill === undefined) return null;
  switch (fill.kind) {
    case 'at':
      return { short: fill.at.slice(0, 10), why: 'at the growth of the last 30 days' };
    case 'never':
      return { short: 'never', why: fill.because === 'not-growing' ? 'it does not grow' : 'it takes more than ten years' };
    case 'not-enough-history':
      return { short: 'not enough history', why: `${fill.samples} of ${fill.samples_needed} samples, ${fill.span} of ${fill.span_needed}` };
  }
}

/** Days until it is full; null when no date is known. */
export function daysLeft(usage: UsageHistory | undefined, now: number): number | null {
  const fill = usage?.projection?.fill;
  return fill?.kind === 'at' ? Math.max(0, Math.ceil((Date.parse(fill.at) - now) / 86_400_000)) : null;
}

export interface Room {
  used: number;
  free: number;
  total: number;
  /** 0 to 1. */
  part: number;
}

/** The place where it lies; null without a limit, or when the session sees only a part of it. */
export function roomOf({ usage }: Datastore): Room | null {
  const { free_bytes: free, total_bytes: total } = usage ?? {};
  if (free == null || total == null || total === 0) return null;
  return { used: total - free, free, total, part: (total - free) / total };
}

/** How many bytes of content one stored byte stands for. */
export function dedupOf({ usage }: Datastore): number | null {
  const stored = usage?.stored_bytes ?? 0;
  return usage == null || stored === 0 || usage.logical_bytes === 0 ? null : usage.logical_bytes / stored;
}

/** `3.45 : 1`. */
export function formatRatio(ratio: number): string {
  return `${ratio < 99.95 ? ratio.toFixed(2) : ratio.toFixed(0)} : 1`;
}
