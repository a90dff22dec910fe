// The way to a snapshot's own page.
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import type { Snapshot } from '../api/model';
import { pathOf } from './tree';

export function SnapshotLink({ snapshot, children }: { snapshot: Pick<Snapshot, 'snapshot' | 'datastore'>; children: ReactNode }) {
  return <Link to="/snapshots/$datastore/show/$" params={{ datastore: snapshot.datastore, _splat: pathOf(snapshot.snapshot) }}>{children}</Link>;
}
