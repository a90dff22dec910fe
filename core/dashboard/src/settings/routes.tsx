// The address of the settings.
import { type AnyRootRoute, createRoute, lazyRouteComponent } from '@tanstack/react-router';

export function settingsRoutes<Root extends AnyRootRoute>(root: Root) {
  return createRoute({ getParentRoute: () => root, path: '/settings', component: lazyRouteComponent(() => import('./SettingsPage'), 'SettingsPage') });
}
