// Snapshots as a tree of namespaces, workloads and times, and what a reference is made of.
import type { Snapshot, VerifyResult } from '../api/model';

export interface Workload {
  /** `[ns/NAMESPACE/]TYPE/ID`. */
  key: string;
  namespace: string;
  type: Snapshot['type'];
  id: string;
  /** Newest first, as the hub lists them. */
  snapshots: Snapshot[];
  /** How many are CORRUPT or MISSING, or cannot be read. */
  bad: number;
  stale: number;
  newest: Snapshot;
}

export function workloadKey({ namespace, type, id }: Pick<Snapshot, 'namespace' | 'type' | 'id'>): string {
  return `${namespace === '' ? '' : `ns/${namespace}/`}${type}/${id}`;
}

export function isBad(result: VerifyResult | null | undefined): boolean {
  return result === 'CORRUPT' || result === 'MISSING';
}

/** By type, id and time; namespaces after the root. */
export function toTree(snapshots: readonly Snapshot[]): Workload[] {
  const all = new Map<string, Workload>();
  for (const snapshot of snapshots) {
    const key = workloadKey(snapshot);
    let workload = all.get(key);
    if (workload === undefined) {
      const { namespace, type, id } = snapshot;
      all.set(key, (workload = { key, namespace, type, id, snapshots: [], bad: 0, stale: 0, newest: snapshot }));
    }
    workload.snapshots.push(snapshot);
    if (isBad(snapshot.verification) || !snapshot.readable) workload.bad += 1;
    if (snapshot.verification === 'STALE') workload.stale += 1;
  }
  return [...all.values()].sort((a, b) => a.namespace.localeCompare(b.namespace) || a.type.localeCompare(b.type) || a.id.localeCompare(b.id));
}

/** The newest snapshot before this one, of the same workload, that was verified OK. */
export function lastGood(snapshots: readonly Snapshot[], before: Snapshot): Snapshot | null {
  return (
    snapshots
      .filter((each) => each.time < before.time && each.readable && each.verification === 'OK' && workloadKey(each) === workloadKey(before))
      .sort((a, b) => b.time.localeCompare(a.time))[0] ?? null
  );
}

/** What follows the datastore in a reference: `vm/12345/2026-05-21T00:00:00Z`. */
export function pathOf(reference: string): string {
  return reference.slice(reference.indexOf(':') + 1);
}
