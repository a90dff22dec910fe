// The address of the workers.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';

import type { Root } from '../router';

export function workerRoutes(root: Root) {
  return [createRoute({ getParentRoute: () => root, path: '/workers', component: lazyRouteComponent(() => import('./WorkersPage'), 'WorkersPage') })] as const;
}
