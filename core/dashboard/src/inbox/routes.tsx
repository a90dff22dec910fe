// The addresses of the inbox.
import { type AnyRootRoute, createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { readInboxSearch, type InboxSearch } from './search';

const page = lazyRouteComponent(() => import('./InboxPage'), 'InboxPage');
const entry = lazyRouteComponent(() => import('./InboxPage'), 'InboxRouteEntry');

export function inboxRoutes<Root extends AnyRootRoute>(root: Root) {
  const inbox = createRoute({
    getParentRoute: () => root,
    path: '/inbox',
    validateSearch: (search: Record<string, unknown>): InboxSearch & { mutes?: string } => ({
      ...readInboxSearch(search),
      ...(typeof search.mutes === 'string' && search.mutes !== '' ? { mutes: search.mutes } : {}),
    }),
    component: page,
  });
  const one = createRoute({ getParentRoute: () => inbox, path: '$seq', component: entry });
  return inbox.addChildren([one]);
}
