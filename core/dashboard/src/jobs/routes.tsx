// The addresses of jobs. Pages are fetched when they are first opened.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { readTexts } from '../format/search';
import type { Root } from '../router';

export function jobRoutes(root: Root) {
  const jobs = createRoute({
    getParentRoute: () => root,
    path: '/jobs',
    validateSearch: (search: Record<string, unknown>): { project?: string; type?: string; state?: string; text?: string; task?: string } =>
      readTexts(search, ['project', 'type', 'state', 'text', 'task']),
    component: lazyRouteComponent(() => import('./JobsPage'), 'JobsPage'),
  });
  const job = createRoute({
    getParentRoute: () => root,
    path: '/jobs/$project/$name',
    validateSearch: (search: Record<string, unknown>): { task?: string } => readTexts(search, ['task']),
    component: lazyRouteComponent(() => import('./JobPage'), 'JobPage'),
  });
  const add = createRoute({ getParentRoute: () => root, path: '/jobs/new', component: lazyRouteComponent(() => import('./JobEditor'), 'NewJobPage') });
  const edit = createRoute({
    getParentRoute: () => root,
    path: '/jobs/$project/$name/edit',
    component: lazyRouteComponent(() => import('./JobEditor'), 'EditJobPage'),
  });
  return [jobs, job, add, edit] as const;
}
