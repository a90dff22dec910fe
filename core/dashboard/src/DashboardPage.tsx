// The first page: whether all is protected, what runs now, what went wrong lately, how full datastores are, the month, and the
// latest tasks.
import { useMediaQuery } from '@mantine/hooks';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { IconListDetails } from '@tabler/icons-react';

import { useLatestTasks } from './api/tasks';
import classes from './DashboardPage.module.css';
import { DatastoreUsage } from './overview/DatastoreUsage';
import { Headline } from './overview/Headline';
import { JobCalendar } from './overview/JobCalendar';
import { RecentFailures } from './tasks/RecentFailures';
import { RunningTasks } from './tasks/RunningTasks';
import { TaskPanel } from './tasks/TaskPanel';
import { TaskTable } from './tasks/TaskTable';
import { Empty, Failure, Loading, PageHead, Panel } from './ui/Panel';

const route = getRouteApi('/');
/** Where the failures stand beside the tasks, as the style sheet has it. */
const BESIDE = '(min-width: 80.01em)';

export function DashboardPage() {
  const { task } = route.useSearch();
  const navigate = useNavigate();
  const beside = useMediaQuery(BESIDE, true);
  return (
    <>
      <PageHead title="Dashboard" />
      <Headline />
      <div className={classes.grid}>
        <div className={classes.main}>
          <div><RunningTasks /></div>
          <div className={classes.usage}><DatastoreUsage /></div>
          <div className={classes.latest}><LatestTasks selected={task} brief={beside} /></div>
        </div>
        <div className={classes.side}>
          <div className={classes.calendar}><JobCalendar /></div>
          <div className={classes.failures}><RecentFailures /></div>
        </div>
      </div>
      {task !== undefined && (
        <TaskPanel key={task} upid={task} onClose={() => void navigate({ to: '/', search: {}, resetScroll: false })} />
      )}
    </>
  );
}

function LatestTasks({ selected, brief }: { selected: string | undefined; brief: boolean }) {
  const { data, error, refetch } = useLatestTasks();
  return (
    <Panel title="Latest tasks" flush side={<Link to="/tasks" className={classes.all}>All tasks</Link>}>
      {data === undefined && (
        <div className={classes.pad}>
          {error === null ? <Loading rows={8} height={22} /> : <Failure error={error} retry={() => void refetch()} />}
        </div>
      )}
      {data?.tasks.length === 0 && (
        <Empty icon={<IconListDetails size={21} stroke={1.7} />} title="There are no tasks yet">
          Every backup, restore, sync and verification will be listed here.
        </Empty>
      )}
      {data !== undefined && data.tasks.length > 0 && <TaskTable tasks={data.tasks} label="Latest tasks" selected={selected} brief={brief} />}
    </Panel>
  );
}
