// The task browser: filters in the address, the list page by page, and the panel of one task over it.
import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { IconArrowUp, IconFilterOff, IconListDetails } from '@tabler/icons-react';
import { useMemo } from 'react';

import { keys } from '../api/cache';
import { useTaskList, useTasksBehind } from '../api/tasks';
import { formatCount } from '../format/bytes';
import { CommandLine } from '../ui/Copy';
import { More } from '../ui/More';
import { Empty, Failure, Loading, PageHead } from '../ui/Panel';
import { FilterBar } from './FilterBar';
import { countFilters, toCommand, type TaskSearch } from './filters';
import { TaskPanel } from './TaskPanel';
import { TaskTable } from './TaskTable';
import classes from './TasksPage.module.css';

const route = getRouteApi('/tasks');
const panelRoute = getRouteApi('/tasks/$upid');

export function TasksPage() {
  const search = route.useSearch();
  const { upid: selected } = useParams({ strict: false });
  const navigate = useNavigate();
  const client = useQueryClient();
  const behind = useTasksBehind();
  const list = useTaskList(search);
  const tasks = useMemo(() => {
    // A task that arrives between two pages can push another onto both.
    const all = list.data?.pages.flatMap((page) => page.tasks) ?? [];
    return [...new Map(all.map((task) => [task.upid, task])).values()];
  }, [list.data]);
  const users = useMemo(() => [...new Set(tasks.map((task) => task.user))].sort(), [tasks]);
  const first = list.data?.pages[0];

  const change = (next: TaskSearch) => {
    client.setQueryData(keys.behind, 0);
    void navigate({ to: '/tasks', search: next, resetScroll: false });
  };
  const showNew = () => {
    client.setQueryData(keys.behind, 0);
    void client.resetQueries({ queryKey: keys.list(search) });
    window.scrollTo({ top: 0 });
  };

  return (
    <>
      <PageHead title="Tasks">
        <span className={classes.count} role="status">
          {first !== undefined && `${formatCount(first.count)}${first.count_capped ? '+' : ''} ${first.count === 1 ? 'task' : 'tasks'}`}
        </span>
      </PageHead>
      <FilterBar search={search} onChange={change} users={users} />
      <section className={classes.frame} aria-label="Tasks" data-stale={list.isPlaceholderData || undefined}>
        {behind > 0 && (
          <div className={classes.news}>
            <Button size="compact-sm" variant="subtle" leftSection={<IconArrowUp size={15} />} onClick={showNew}>
              Show {behind === 1 ? '1 new task' : `${behind} new tasks`}
            </Button>
          </div>
        )}
        {list.data === undefined && (
          <div className={classes.pad}>
            {list.error === null ? <Loading rows={12} height={22} /> : <Failure error={list.error} retry={() => void list.refetch()} />}
          </div>
        )}
        {list.data !== undefined && tasks.length === 0 && <NoTasks filtered={countFilters(search) > 0} clear={() => change({})} />}
        {tasks.length > 0 && <TaskTable tasks={tasks} label="Tasks" selected={selected} />}
        <More list={list} />
      </section>
      <CommandLine command={toCommand(search)} />
      <Outlet />
    </>
  );
}

function NoTasks({ filtered, clear }: { filtered: boolean; clear: () => void }) {
  return filtered ? (
    <Empty icon={<IconFilterOff size={21} stroke={1.7} />} title="No task matches these filters">
      <Button variant="default" size="xs" mt={6} onClick={clear}>Clear filters</Button>
    </Empty>
  ) : (
    <Empty icon={<IconListDetails size={21} stroke={1.7} />} title="There are no tasks yet">
      Every backup, restore, sync and verification will be listed here.
    </Empty>
  );
}

/** The panel at a task's own address. */
export function TaskRoutePanel() {
  const { upid } = panelRoute.useParams();
  const navigate = useNavigate();
  return <TaskPanel key={upid} upid={upid} onClose={() => void navigate({ to: '/tasks', search: (search: TaskSearch) => search, resetScroll: false })} />;
}
