// Ways to a task's detail panel: over the dashboard it opens in place, everywhere else at the task's own address.
import { Link, useNavigate, useRouterState } from '@tanstack/react-router';
import type { ReactNode } from 'react';

function useOnDashboard(): boolean {
  return useRouterState({ select: (state) => state.location.pathname === '/' });
}

interface TaskLinkProps {
  upid: string;
  className?: string | undefined;
  children: ReactNode;
}

export function TaskLink({ upid, className, children }: TaskLinkProps) {
  const props = { className, resetScroll: false, children };
  return useOnDashboard() ? (
    <Link to="/" search={{ task: upid }} {...props} />
  ) : (
    <Link to="/tasks/$upid" params={{ upid }} search={(search) => search} {...props} />
  );
}

/** Opens the panel of a task, for clicks that do not meet a link. */
export function useOpenTask(): (upid: string) => void {
  const onDashboard = useOnDashboard();
  const navigate = useNavigate();
  return (upid) => {
    if (onDashboard) void navigate({ to: '/', search: { task: upid }, resetScroll: false });
    else void navigate({ to: '/tasks/$upid', params: { upid }, search: (search) => search, resetScroll: false });
  };
}

/** The address that leads to a task from anywhere, such as a chat or a ticket. */
export function taskAddress(upid: string): string {
  return `${window.location.origin}/tasks/${encodeURIComponent(upid).replaceAll('%3A', ':').replaceAll('%40', '@')}`;
}
