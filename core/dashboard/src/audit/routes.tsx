// The address of who changed what.
import { type AnyRootRoute, createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { type AuditSearch, readAuditSearch } from './search';

export function auditRoutes<Root extends AnyRootRoute>(root: Root) {
  return createRoute({
    getParentRoute: () => root,
    path: '/audit',
    validateSearch: (search: Record<string, unknown>): AuditSearch => readAuditSearch(search),
    component: lazyRouteComponent(() => import('./AuditPage'), 'AuditPage'),
  });
}
