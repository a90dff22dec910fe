// The addresses of snapshots: those of a datastore, and each one's own.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { readTexts } from '../format/search';
import type { Root } from '../router';

export function snapshotRoutes(root: Root) {
  const any = createRoute({ getParentRoute: () => root, path: '/snapshots', component: lazyRouteComponent(() => import('./SnapshotsPage'), 'AnySnapshots') });
  const list = createRoute({
    getParentRoute: () => root,
    path: '/snapshots/$datastore',
    validateSearch: (search: Record<string, unknown>): { text?: string; type?: string; open?: string; task?: string } =>
      readTexts(search, ['text', 'type', 'open', 'task']),
    component: lazyRouteComponent(() => import('./SnapshotsPage'), 'SnapshotsPage'),
  });
  const detail = createRoute({
    getParentRoute: () => root,
    path: '/snapshots/$datastore/show/$',
    validateSearch: (search: Record<string, unknown>): { tab?: string; task?: string } => readTexts(search, ['tab', 'task']),
    component: lazyRouteComponent(() => import('./SnapshotPage'), 'SnapshotPage'),
  });
  return [any, list, detail] as const;
}
