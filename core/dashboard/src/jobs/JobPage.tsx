// One job: what it does and when, how it goes about it, who hears of it, and its last tasks.
import { getRouteApi, Link } from '@tanstack/react-router';
import { IconListDetails } from '@tabler/icons-react';

import { useJob, useJobTasks } from '../api/jobs';
import type { JobView } from '../api/model';
import { Route } from '../tasks/Route';
import { TaskOverlay } from '../tasks/TaskOverlay';
import { TaskTable } from '../tasks/TaskTable';
import { Callout } from '../ui/Callout';
import { CommandLine } from '../ui/Copy';
import { Facts } from '../ui/Facts';
import { Empty, Failure, Loading, PageHead, Panel } from '../ui/Panel';
import page from '../ui/Page.module.css';
import { Tag } from '../ui/Tag';
import { TypeLabel } from '../ui/TypeLabel';
import { JobActions } from './JobActions';
import classes from './jobs.module.css';
import { LastResult, NextRuns, SchedulerPaused } from './JobParts';
import { JobPolicies, JobTask } from './JobSettings';
import { routeOf, whenOf } from './words';

const route = getRouteApi('/jobs/$project/$name');

export function JobPage() {
  const { project, name } = route.useParams();
  const { data, error, refetch } = useJob(project, name);
  return (
    <>
      <p className={page.crumbs}><Link to="/jobs">Jobs</Link> / {project}</p>
      <PageHead title={name}>
        {data !== undefined && (
          <>
            <TypeLabel type={data.job.task.type} />
            {data.job.enabled === false && <Tag kind="warning">paused</Tag>}
            <span className={page.right}><JobActions job={data.job} /></span>
          </>
        )}
      </PageHead>
      {data === undefined ? (
        <Panel title="Job">{error === null ? <Loading rows={14} /> : <Failure error={error} retry={() => void refetch()} />}</Panel>
      ) : (
        <JobBody view={data} />
      )}
      <TaskOverlay />
    </>
  );
}

function JobBody({ view }: { view: JobView }) {
  const { job, last, next, waiting } = view;
  const runs = waiting == null || next.some((run) => run.begins === waiting.begins) ? next : [waiting, ...next];
  return (
    <div className={page.stack}>
      {last?.state === 'failed' && (
        <Callout kind="failed" title={`The last run failed: ${last.error?.message ?? 'its log may tell why'}`}>
          <p><Link to="." search={{ task: last.upid }} hash="log" resetScroll={false}>Open its log</Link>{last.error != null && <> · <code>{last.error.code}</code></>}</p>
        </Callout>
      )}
      {job.enabled !== false && <SchedulerPaused />}
      <div className={classes.grid}>
        <div className={classes.stack}>
          <Panel title="What it does">
            <Facts
              facts={[
                ['Source / Target', <Route key="route" task={routeOf(job.task)} />, true],
                job.comment == null ? null : ['Comment', job.comment, true],
                ['Schedule', <span key="schedule">{whenOf(job)}{job.schedule != null && <small><code>{job.schedule}</code>, {job.timezone ?? 'UTC'}</small>}</span>],
                ['Last result', <LastResult key="last" task={last ?? null} />],
                ['Owner', job.owner],
                ['Project', job.project],
              ]}
            />
          </Panel>
          <JobTask job={job} />
          <JobPolicies job={job} />
        </div>
        <Panel title="Next runs">
          {runs.length > 0 ? <NextRuns runs={runs} /> : <p className={classes.faint}>{noRuns(view)}</p>}
        </Panel>
      </div>
      <LastTasks project={job.project} name={job.name} />
      <CommandLine command={`ironcore-backup job show --project ${job.project} ${job.name}`} />
    </div>
  );
}

function noRuns({ job }: JobView): string {
  if (job.enabled === false) return 'None: the job is paused.';
  if (job.after != null) return `It runs whenever ${job.after} ended OK or WARNING.`;
  return job.schedule == null ? 'None: it runs by hand only.' : 'None: all of its times fall into blackout windows, or none is left.';
}

function LastTasks({ project, name }: { project: string; name: string }) {
  const { data, error, refetch } = useJobTasks(project, name);
  return (
    <Panel title="Last tasks" flush side={<Link to="/tasks" search={{ job: name }} className={page.link}>All its tasks</Link>}>
      {data === undefined && <div className={page.pad}>{error === null ? <Loading rows={8} height={22} /> : <Failure error={error} retry={() => void refetch()} />}</div>}
      {data?.tasks.length === 0 && <Empty icon={<IconListDetails size={21} stroke={1.7} />} title="It has not run yet">Run it now to see how it goes.</Empty>}
      {data !== undefined && data.tasks.length > 0 && <TaskTable tasks={data.tasks} label="Last tasks" />}
    </Panel>
  );
}
