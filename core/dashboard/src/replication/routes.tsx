// The address of replication.
import { type AnyRootRoute, createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { textOf, tidy } from '../ui/search';

export function replicationRoutes<Root extends AnyRootRoute>(root: Root) {
  return createRoute({
    getParentRoute: () => root,
    path: '/replication',
    /** The task whose panel is open. */
    validateSearch: (search: Record<string, unknown>): { task?: string } => tidy<{ task?: string }>({ task: textOf(search.task) }),
    component: lazyRouteComponent(() => import('./ReplicationPage'), 'ReplicationPage'),
  });
}
