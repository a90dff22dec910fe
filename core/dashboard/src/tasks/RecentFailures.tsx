// The five most recent failures, each with what went wrong, what to do, and the way to its log.
import { IconBulb, IconCircleCheck } from '@tabler/icons-react';

import { useRecentFailures, useTips } from '../api/tasks';
import type { Tip } from '../api/model';
import { Marked } from '../ui/Marked';
import { Empty, Failure, Loading, Panel } from '../ui/Panel';
import { Time } from '../ui/Time';
import { TypeLabel } from '../ui/TypeLabel';
import classes from './RecentFailures.module.css';
import { TaskLink } from './TaskLink';

export function RecentFailures() {
  const { data, error, refetch } = useRecentFailures();
  const tips = useTips(data?.tasks.map((task) => task.upid) ?? []);
  return (
    <Panel title="Recent failures" flush>
      {data === undefined && (
        <div className={classes.pad}>
          {error === null ? <Loading rows={5} /> : <Failure error={error} retry={() => void refetch()} />}
        </div>
      )}
      {data?.tasks.length === 0 && (
        <Empty icon={<IconCircleCheck size={22} stroke={1.7} />} title="No failures">
          Every task that ended did its work.
        </Empty>
      )}
      {data !== undefined && data.tasks.length > 0 && (
        <ul className={classes.list}>
          {data.tasks.map((task) => (
            <li key={task.upid}>
              <div className={classes.head}>
                <TaskLink upid={task.upid} className={classes.link}>
                  <TypeLabel type={task.type} />
                  <span className={classes.what}>{task.job ?? task.target ?? task.source}</span>
                </TaskLink>
                <span className={classes.when}><Time at={task.ended ?? task.queued} ago /></span>
              </div>
              <p className={classes.error}>
                {task.error?.message ?? 'It failed without saying why; its log may tell more.'}
                {task.error != null && <code>{task.error.code}</code>}
              </p>
              <FirstTip tips={tips.get(task.upid) ?? task.tips} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function FirstTip({ tips }: { tips: Tip[] }) {
  const first = tips[0];
  if (first === undefined) return null;
  return (
    <p className={classes.tip}>
      <IconBulb size={15} stroke={1.8} aria-label="Tip:" />
      <span>
        <Marked text={first.title} />
        {tips.length > 1 && <> (and {tips.length - 1} more)</>}
      </span>
    </p>
  );
}
