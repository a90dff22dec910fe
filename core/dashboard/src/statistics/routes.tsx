// The address of the statistics.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { readTexts } from '../format/search';
import type { Root } from '../router';

export function statisticsRoutes(root: Root) {
  return [
    createRoute({
      getParentRoute: () => root,
      path: '/statistics',
      validateSearch: (search: Record<string, unknown>): { range?: string; by?: string; metric?: string; project?: string; datastore?: string; job?: string } =>
        readTexts(search, ['range', 'by', 'metric', 'project', 'datastore', 'job']),
      component: lazyRouteComponent(() => import('./StatisticsPage'), 'StatisticsPage'),
    }),
  ] as const;
}
