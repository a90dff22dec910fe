// How fast a running task goes: a rate over the last seconds of its current stage, and what is left of it.
import type { Progress, Stage } from '../api/model';

interface Sample {
  at: number;
  stage: string;
  bytes: number;
  done: number;
}

/** Bytes and units a second; null until two samples of the stage are there. */
export interface Rate {
  bytes: number | null;
  units: number | null;
}

const WINDOW_MS = 15_000;

/** The stage a task is in: the last one begun, unless it has ended. */
export function currentStage(progress: Progress): Stage | null {
  const last = progress.stages.at(-1);
  return last === undefined || last.ended != null ? null : last;
}

/** A stage's share of completion from 0 to 1: by bytes where they are known, by units else; null when unknown. */
export function stageShare(stage: Stage): number | null {
  if (stage.ended != null) return 1;
  if (stage.bytes_total != null && stage.bytes_total > 0) return Math.min(1, stage.bytes / stage.bytes_total);
  if (stage.total != null && stage.total > 0) return Math.min(1, stage.done / stage.total);
  return null;
}

/** Milliseconds that the stage still needs at this rate; null when that cannot be said. */
export function remainingMs(stage: Stage, rate: Rate): number | null {
  if (stage.bytes_total != null && stage.bytes_total > 0 && rate.bytes !== null && rate.bytes > 0) {
    return (Math.max(0, stage.bytes_total - stage.bytes) / rate.bytes) * 1000;
  }
  if (stage.total != null && stage.total > 0 && rate.units !== null && rate.units > 0) {
    return (Math.max(0, stage.total - stage.done) / rate.units) * 1000;
  }
  return null;
}

/** Measures one task. A change of stage, or a counter that goes back, begins anew. */
export class RateMeter {
  #samples: Sample[] = [];

  add(at: number, progress: Progress): void {
    const stage = currentStage(progress);
    if (stage === null) {
      this.#samples = [];
      return;
    }
    const sample = { at, stage: stage.name, bytes: stage.bytes, done: stage.done };
    const last = this.#samples.at(-1);
    if (last !== undefined) {
      if (last.stage !== sample.stage || sample.bytes < last.bytes || sample.done < last.done) this.#samples = [];
      else if (at <= last.at) return;
    }
    this.#samples.push(sample);
    while (this.#samples.length > 2 && at - (this.#samples[0]?.at ?? at) > WINDOW_MS) this.#samples.shift();
  }

  rate(): Rate {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < 500) return { bytes: null, units: null };
    const seconds = (last.at - first.at) / 1000;
    return { bytes: (last.bytes - first.bytes) / seconds, units: (last.done - first.done) / seconds };
  }
}

const meters = new Map<string, RateMeter>();

/** Notes what a task said of itself at `at`. */
export function noteProgress(upid: string, at: number, progress: Progress): void {
  let meter = meters.get(upid);
  if (meter === undefined) {
    meter = new RateMeter();
    meters.set(upid, meter);
  }
  meter.add(at, progress);
}

/** Forgets every task that is not among `upids`, so that a tab open for weeks stays small. */
export function keepMeters(upids: ReadonlySet<string>): void {
  for (const upid of meters.keys()) if (!upids.has(upid)) meters.delete(upid);
}

/** The rate of a task as far as it is known. */
export function rateOf(upid: string): Rate {
  return meters.get(upid)?.rate() ?? { bytes: null, units: null };
}
