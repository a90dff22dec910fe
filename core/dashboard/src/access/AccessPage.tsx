// Who may do what: users, roles and tokens, each with an address of its own.
import { Link, Outlet } from '@tanstack/react-router';

import { OnlyWith } from '../ui/OnlyWith';
import { PageHead } from '../ui/Panel';
import { tab, Tabs } from '../ui/Tabs';

export function AccessPage() {
  return (
    <>
      <PageHead title="Access" />
      <OnlyWith right="read-access">
        <Tabs label="Access">
          <Link to="/access" search={{}} className={tab.className} activeOptions={{ exact: true, includeSearch: false }}>Users</Link>
          <Link to="/access/roles" {...tab}>Roles</Link>
          <Link to="/access/tokens" search={{}} {...tab}>Tokens</Link>
        </Tabs>
        <Outlet />
      </OnlyWith>
    </>
  );
}
