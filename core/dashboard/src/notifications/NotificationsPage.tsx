// The frame of notification: groups, messages, silences, and why somebody was told or not.
import { Link, Outlet, useRouterState } from '@tanstack/react-router';

import { PageHead } from '../ui/Panel';
import { tab, Tabs } from '../ui/Tabs';

export function NotificationsPage() {
  // A group is part of the first tab, whose own address is the beginning of all others.
  const inGroup = useRouterState({ select: (state) => /^\/notifications(\/groups\/.*)?\/?$/.test(state.location.pathname) });
  return (
    <>
      <PageHead title="Notifications" />
      <Tabs label="Notifications">
        <Link to="/notifications" className={tab.className} activeOptions={{ exact: true }} aria-current={inGroup ? 'page' : undefined}>Groups</Link>
        <Link to="/notifications/messages" search={{}} {...tab}>Messages</Link>
        <Link to="/notifications/silences" search={{}} {...tab}>Silences</Link>
        <Link to="/notifications/explain" search={{}} {...tab}>Explain</Link>
      </Tabs>
      <Outlet />
    </>
  );
}
