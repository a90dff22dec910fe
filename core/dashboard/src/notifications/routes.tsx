// The addresses of notification: groups, messages, silences, and who is told of what.
import { type AnyRootRoute, createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { oneOf, textOf, tidy } from '../ui/search';
import { type ExplainSearch, readExplainSearch } from './explainSearch';
import { type MessageSearch, readMessageSearch } from './messageSearch';

const frame = lazyRouteComponent(() => import('./NotificationsPage'), 'NotificationsPage');
const groups = lazyRouteComponent(() => import('./GroupsTab'), 'GroupsTab');
const group = lazyRouteComponent(() => import('./GroupPage'), 'GroupPage');
const messages = lazyRouteComponent(() => import('./MessagesTab'), 'MessagesTab');
const message = lazyRouteComponent(() => import('./MessagesTab'), 'MessageRoutePanel');
const silences = lazyRouteComponent(() => import('./SilencesTab'), 'SilencesTab');
const explain = lazyRouteComponent(() => import('./ExplainTab'), 'ExplainTab');

/** What is open over a group: the preview of an event in a handler. */
export interface GroupSearch {
  preview?: string;
  event?: string;
}

export interface SilenceSearch {
  /** Those that are over are listed too. */
  over?: 'yes';
}

export function notificationRoutes<Root extends AnyRootRoute>(root: Root) {
  const all = createRoute({ getParentRoute: () => root, path: '/notifications', component: frame });
  const groupList = createRoute({ getParentRoute: () => all, path: '/', component: groups });
  const oneGroup = createRoute({
    getParentRoute: () => all,
    path: 'groups/$project/$name',
    validateSearch: (search: Record<string, unknown>): GroupSearch => tidy<GroupSearch>({ preview: textOf(search.preview), event: textOf(search.event) }),
    component: group,
  });
  const messageList = createRoute({
    getParentRoute: () => all,
    path: 'messages',
    validateSearch: (search: Record<string, unknown>): MessageSearch => readMessageSearch(search),
    component: messages,
  });
  const oneMessage = createRoute({ getParentRoute: () => messageList, path: '$id', component: message });
  const silenceList = createRoute({
    getParentRoute: () => all,
    path: 'silences',
    validateSearch: (search: Record<string, unknown>): SilenceSearch => tidy<SilenceSearch>({ over: oneOf(search.over, ['yes'] as const) }),
    component: silences,
  });
  const why = createRoute({
    getParentRoute: () => all,
    path: 'explain',
    validateSearch: (search: Record<string, unknown>): ExplainSearch => readExplainSearch(search),
    component: explain,
  });
  return all.addChildren([groupList, oneGroup, messageList.addChildren([oneMessage]), silenceList, why]);
}
