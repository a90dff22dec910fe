// The address of the plugins.
import { type AnyRootRoute, createRoute, lazyRouteComponent } from '@tanstack/react-router';

export function pluginRoutes<Root extends AnyRootRoute>(root: Root) {
  return createRoute({ getParentRoute: () => root, path: '/plugins', component: lazyRouteComponent(() => import('./PluginsPage'), 'PluginsPage') });
}
