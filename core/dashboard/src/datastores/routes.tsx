// The addresses of datastores.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { readTexts } from '../format/search';
import type { Root } from '../router';

export function datastoreRoutes(root: Root) {
  const list = createRoute({
    getParentRoute: () => root,
    path: '/datastores',
    validateSearch: (search: Record<string, unknown>): { task?: string } => readTexts(search, ['task']),
    component: lazyRouteComponent(() => import('./DatastoresPage'), 'DatastoresPage'),
  });
  const detail = createRoute({
    getParentRoute: () => root,
    path: '/datastores/$name',
    validateSearch: (search: Record<string, unknown>): { range?: string; task?: string } => readTexts(search, ['range', 'task']),
    component: lazyRouteComponent(() => import('./DatastorePage'), 'DatastorePage'),
  });
  return [list, detail] as const;
}
