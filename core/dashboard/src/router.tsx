// Every address of the pages. A page that is not here does not exist, and the navigation shows no other.
import { createRootRoute, createRoute, createRouter, Link, type ErrorComponentProps } from '@tanstack/react-router';
import { IconMapQuestion } from '@tabler/icons-react';

import { accessRoutes } from './access/routes';
import { auditRoutes } from './audit/routes';
import { calendarRoutes } from './calendar/routes';
import { DashboardPage } from './DashboardPage';
import { datastoreRoutes } from './datastores/routes';
import { inboxRoutes } from './inbox/routes';
import { incidentRoutes } from './incidents/routes';
import { jobRoutes } from './jobs/routes';
import { notificationRoutes } from './notifications/routes';
import { pluginRoutes } from './plugins/routes';
import { replicationRoutes } from './replication/routes';
import { settingsRoutes } from './settings/routes';
import { Shell } from './shell/Shell';
import { snapshotRoutes } from './snapshots/routes';
import { statisticsRoutes } from './statistics/routes';
import { parseSearch, readSearch, stringifySearch, type TaskSearch } from './tasks/filters';
import { TaskRoutePanel, TasksPage } from './tasks/TasksPage';
import { Empty, Failure, Loading } from './ui/Panel';
import { workerRoutes } from './workers/routes';

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <Empty icon={<IconMapQuestion size={22} />} title="There is no such page.">
      <Link to="/">Go to the dashboard</Link>
    </Empty>
  ),
});

export type Root = typeof root;

const dashboard = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: (search: Record<string, unknown>): { task?: string } =>
    typeof search.task === 'string' && search.task !== '' ? { task: search.task } : {},
  component: DashboardPage,
});

// The frame shows it by itself, to whoever is signed in or not.
const setUp = createRoute({ getParentRoute: () => root, path: '/setup' });

const tasks = createRoute({
  getParentRoute: () => root,
  path: '/tasks',
  validateSearch: (search: Record<string, unknown>): TaskSearch => readSearch(search),
  component: TasksPage,
});

const task = createRoute({ getParentRoute: () => tasks, path: '$upid', component: TaskRoutePanel });

export const router = createRouter({
  routeTree: root.addChildren([
    dashboard,
    setUp,
    tasks.addChildren([task]),
    ...calendarRoutes(root),
    ...jobRoutes(root),
    ...snapshotRoutes(root),
    ...datastoreRoutes(root),
    ...statisticsRoutes(root),
    ...workerRoutes(root),
    inboxRoutes(root), incidentRoutes(root), notificationRoutes(root), pluginRoutes(root), accessRoutes(root), auditRoutes(root), replicationRoutes(root),
    settingsRoutes(root),
  ]),
  parseSearch,
  stringifySearch,
  pathParamsAllowedCharacters: [':', '@'],
  defaultPreload: false,
  scrollRestoration: true,
  defaultPendingMs: 300,
  defaultPendingComponent: () => <Loading rows={12} height={22} />,
  defaultErrorComponent: ({ error, reset }: ErrorComponentProps) => (
    <Failure error={error instanceof Error ? error : new Error(String(error))} retry={reset} />
  ),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
