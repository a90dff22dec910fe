// The addresses of incidents.
import { type AnyRootRoute, createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { type IncidentSearch, readIncidentSearch } from './search';

const page = lazyRouteComponent(() => import('./IncidentsPage'), 'IncidentsPage');
const panel = lazyRouteComponent(() => import('./IncidentsPage'), 'IncidentRoutePanel');

export function incidentRoutes<Root extends AnyRootRoute>(root: Root) {
  const incidents = createRoute({
    getParentRoute: () => root,
    path: '/incidents',
    validateSearch: (search: Record<string, unknown>): IncidentSearch => readIncidentSearch(search),
    component: page,
  });
  const one = createRoute({ getParentRoute: () => incidents, path: '$id', component: panel });
  return incidents.addChildren([one]);
}
