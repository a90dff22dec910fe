// Ways to a task's detail panel: over pages that show tasks it opens in place, everywhere else at the task's own address.
import { Link, useNavigate, useRouterState } from '@tanstack/react-router';
import type { ReactNode } from 'react';

/** Pages over which a task's panel opens, with what is chosen on them kept. Each of them has a `TaskOverlay`. */
const IN_PLACE = ['/calendar', '/jobs', '/snapshots', '/datastores'];

type Place = 'in-place' | 'list' | 'elsewhere';

function usePlace(): Place {
  return useRouterState({
    select: ({ location: { pathname } }) => {
      if (pathname === '/' || IN_PLACE.some((page) => pathname === page || pathname.startsWith(`${page}/`))) return 'in-place';
      return pathname.startsWith('/tasks') ? 'list' : 'elsewhere';
    },
  });
}

interface TaskLinkProps {
  upid: string;
  className?: string | undefined;
  /** Shows the log at once. */
  log?: boolean;
  children: ReactNode;
}

export function TaskLink({ upid, className, log = false, children }: TaskLinkProps) {
  const place = usePlace();
  const props = { className, resetScroll: false, children, ...(log ? { hash: 'log' } : {}) };
  return place === 'in-place' ? (
    <Link to="." search={(search: Record<string, unknown>) => ({ ...search, task: upid })} {...props} />
  ) : (
    <Link to="/tasks/$upid" params={{ upid }} search={(search) => (place === 'list' ? search : {})} {...props} />
  );
}

/** Opens the panel of a task, for clicks that do not meet a link. */
export function useOpenTask(): (upid: string) => void {
  const place = usePlace();
  const navigate = useNavigate();
  return (upid) => {
    if (place === 'in-place') void navigate({ to: '.', search: (search: Record<string, unknown>) => ({ ...search, task: upid }), resetScroll: false });
    else void navigate({ to: '/tasks/$upid', params: { upid }, search: (search) => (place === 'list' ? search : {}), resetScroll: false });
  };
}

/** The address that leads to a task from anywhere, such as a chat or a ticket. */
export function taskAddress(upid: string): string {
  return `${window.location.origin}/tasks/${encodeURIComponent(upid).replaceAll('%3A', ':').replaceAll('%40', '@')}`;
}
