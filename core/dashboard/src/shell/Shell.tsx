// The frame around every page: who is signed in, where one can go, in which zone times are, whether news arrives.
import { AppShell, Burger, NavLink } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Notifications } from '@mantine/notifications';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useRouter, useRouterState } from '@tanstack/react-router';
import {
  IconAlertOctagon, IconBell, IconCalendarMonth, IconCalendarRepeat, IconChartLine, IconDatabase, IconInbox, IconLayoutDashboard,
  IconHistory, IconListDetails, IconPuzzle, IconServer, IconSettings, IconStack2, IconTransfer,
  IconUsers,
} from '@tabler/icons-react';
import { lazy, type ReactNode, Suspense, useEffect, useSyncExternalStore } from 'react';

import { findLogin, useAdmit } from '../api/account';
import { keys } from '../api/cache';
import { answer, api } from '../api/client';
import { LiveProvider } from '../api/live';
import { backFromAway, currentLogin, endLogin, onLoginChange } from '../api/login';
import type { Right, Session } from '../api/model';
import { may } from '../api/rights';
import { InboxBadge } from '../inbox/InboxBadge';
import { SignInPage } from '../signin/SignInPage';
import { Mark } from '../ui/Mark';
import { Failure, Loading } from '../ui/Panel';
import { ColorSchemeButton, LiveSign, ZoneMenu } from './HeaderTools';
import { ReconnectBanner } from './ReconnectBanner';
import classes from './Shell.module.css';
import { UserMenu } from './UserMenu';

const SetUpPage = lazy(async () => ({ default: (await import('../signin/SetUpPage')).SetUpPage }));

/** How soon to ask again when the hub does not answer. */
const AGAIN_MS = 5_000;

interface Page {
  to: string;
  label: string;
  icon: typeof IconBell;
  /** Shown to those only who have this right. */
  needs?: Right;
  /** What stands beside the link. */
  badge?: () => ReactNode;
}

const PAGES = [
  { to: '/', label: 'Dashboard', icon: IconLayoutDashboard },
  { to: '/tasks', label: 'Tasks', icon: IconListDetails },
  { to: '/calendar', label: 'Calendar', icon: IconCalendarMonth },
  { to: '/jobs', label: 'Jobs', icon: IconCalendarRepeat },
  { to: '/snapshots', label: 'Snapshots', icon: IconStack2 },
  { to: '/datastores', label: 'Datastores', icon: IconDatabase },
  { to: '/replication', label: 'Replication', icon: IconTransfer },
  { to: '/statistics', label: 'Statistics', icon: IconChartLine },
  { to: '/inbox', label: 'Inbox', icon: IconInbox, badge: InboxBadge },
  { to: '/incidents', label: 'Incidents', icon: IconAlertOctagon },
  { to: '/notifications', label: 'Notifications', icon: IconBell },
  { to: '/workers', label: 'Workers', icon: IconServer },
  { to: '/plugins', label: 'Plugins', icon: IconPuzzle },
  { to: '/access', label: 'Access', icon: IconUsers, needs: 'read-access' },
  { to: '/audit', label: 'Audit', icon: IconHistory, needs: 'read-access' },
  { to: '/settings', label: 'Settings', icon: IconSettings },
] as const satisfies readonly Page[];

export function Shell() {
  const login = useSyncExternalStore(onLoginChange, currentLogin);
  const settingUp = useRouterState({ select: (state) => state.location.pathname === '/setup' });
  if (settingUp) return <Suspense fallback={<Alone error={null} retry={() => undefined} />}><SetUpPage /></Suspense>;
  if (login === undefined) return <Looking />;
  if (login === null) return <SignInPage />;
  return (
    <LiveProvider key={login.turn} login={login}>
      <Signed />
    </LiveProvider>
  );
}

/** This browser was signed in when it was here last: is it still? */
function Looking() {
  const admit = useAdmit();
  const found = useQuery({ queryKey: keys.login, queryFn: ({ signal }) => findLogin(signal), gcTime: 0, retry: false, refetchInterval: ({ state }) => (state.status === 'error' ? AGAIN_MS : false) });
  const { data } = found;
  const { history } = useRouter();
  useEffect(() => {
    if (data === undefined) return;
    const away = backFromAway();
    if (data === null) endLogin(away === null ? 'refused' : 'elsewhere');
    else admit(data, away !== null);
    if (away !== null) history.replace(away);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- what was found is taken once
  }, [data]);
  return <Alone error={found.error} retry={() => void found.refetch()} />;
}

function Signed() {
  const session = useQuery({
    queryKey: keys.session,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/session', { signal })),
    staleTime: Infinity,
    refetchInterval: (query) => (query.state.status === 'error' ? AGAIN_MS : false),
  });
  if (session.data !== undefined) return <Frame session={session.data} />;
  return <Alone error={session.error} retry={() => void session.refetch()} />;
}

/** Before there is a frame: on its way, or why it is not. */
function Alone({ error, retry }: { error: Error | null; retry: () => void }) {
  return <main className={classes.alone}>{error === null ? <Loading rows={4} /> : <Failure error={error} retry={retry} />}</main>;
}

function Brand() {
  return (
    <Link to="/" className={classes.brand} aria-label="Ironcore Backup">
      <Mark size={26} />
      <span>Ironcore Backup</span>
    </Link>
  );
}

function Frame({ session }: { session: Session }) {
  const [open, menu] = useDisclosure();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const page = PAGES.findLast((each) => (each.to === '/' ? path === '/' : path.startsWith(each.to)));

  useEffect(() => {
    document.title = `${page === undefined ? '' : `${page.label} · `}${session.hub.name} · Ironcore Backup`;
  }, [page, session.hub.name]);

  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !open } }}
      padding={0}
      classNames={{ header: classes.header, navbar: classes.navbar, main: classes.main }}
    >
      {/* Inside of the router, so that what is told can link to pages. */}
      <Notifications position="bottom-right" />
      <a className="skip" href="#content">Skip to content</a>
      <AppShell.Header>
        <Burger opened={open} onClick={menu.toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" aria-expanded={open} />
        <Brand />
        <span className={classes.hub} title={`Hub ${session.hub.name}`}>{session.hub.name}</span>
        <div className={classes.tools}>
          <LiveSign />
          <ZoneMenu />
          <ColorSchemeButton />
          <UserMenu session={session} />
        </div>
      </AppShell.Header>
      <AppShell.Navbar aria-label="Pages">
        <ul className={classes.links}>
          {PAGES.filter((each) => !('needs' in each) || may(session, each.needs)).map(({ to, label, icon: Icon, ...rest }) => (
            <li key={to}>
              <NavLink
                renderRoot={(props) => <Link to={to} {...props} />}
                label={label}
                leftSection={<Icon size={19} stroke={1.7} aria-hidden />}
                rightSection={'badge' in rest ? <rest.badge /> : undefined}
                active={page?.to === to}
                aria-current={page?.to === to ? 'page' : undefined}
                onClick={menu.close}
              />
            </li>
          ))}
        </ul>
        <p className={classes.version}>Version {session.hub.version}</p>
      </AppShell.Navbar>
      <AppShell.Main>
        <ReconnectBanner />
        <div id="content" className={classes.content} tabIndex={-1}>
          <Outlet />
        </div>
      </AppShell.Main>
    </AppShell>
  );
}
