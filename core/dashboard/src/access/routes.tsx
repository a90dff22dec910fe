// The addresses of users, roles and tokens.
import { type AnyRootRoute, createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { oneOf, textOf, tidy } from '../ui/search';

export interface UsersSearch {
  /** The user whose panel is open. */
  user?: string;
}

export interface TokensSearch {
  /** Those that are of no use any more are listed too. */
  over?: 'yes';
}

export function accessRoutes<Root extends AnyRootRoute>(root: Root) {
  const all = createRoute({ getParentRoute: () => root, path: '/access', component: lazyRouteComponent(() => import('./AccessPage'), 'AccessPage') });
  const users = createRoute({
    getParentRoute: () => all,
    path: '/',
    validateSearch: (search: Record<string, unknown>): UsersSearch => tidy<UsersSearch>({ user: textOf(search.user) }),
    component: lazyRouteComponent(() => import('./UsersTab'), 'UsersTab'),
  });
  const roles = createRoute({ getParentRoute: () => all, path: 'roles', component: lazyRouteComponent(() => import('./RolesTab'), 'RolesTab') });
  const tokens = createRoute({
    getParentRoute: () => all,
    path: 'tokens',
    validateSearch: (search: Record<string, unknown>): TokensSearch => tidy<TokensSearch>({ over: oneOf(search.over, ['yes'] as const) }),
    component: lazyRouteComponent(() => import('./TokensTab'), 'TokensTab'),
  });
  return all.addChildren([users, roles, tokens]);
}
