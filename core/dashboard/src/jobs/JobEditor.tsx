// The editor of a job: a form that the hub checks, its faults at their fields, and applying it.
import { Button, NativeSelect } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { getRouteApi, Link, useBlocker, useNavigate } from '@tanstack/react-router';
import { type SubmitEvent, useEffect, useRef, useState } from 'react';

import { ApiError } from '../api/client';
import { useApplyJob, useJob, useProjects } from '../api/jobs';
import { useRefusal, useSession } from '../api/rights';
import { Callout } from '../ui/Callout';
import { Confirm, Refused } from '../ui/Confirm';
import { Failure, Loading, PageHead, Panel } from '../ui/Panel';
import page from '../ui/Page.module.css';
import { byField, type Draft, emptyDraft, fromJob, toJob } from './draft';
import classes from './editor.module.css';
import { type FieldsProps, HowFields, useText, WhenFields } from './EditorFields';
import { TaskFields } from './TaskFields';
import { useDraft } from './useDraft';

const route = getRouteApi('/jobs/$project/$name/edit');

export function NewJobPage() {
  const session = useSession();
  const { data: projects, error, refetch } = useProjects();
  // A token acts for its user, who owns the job.
  const owner = session?.user.split('!')[0] ?? '';
  return (
    <>
      <p className={page.crumbs}><Link to="/jobs">Jobs</Link></p>
      <PageHead title="New job" />
      {projects === undefined ? (
        <Panel title="Job">{error === null ? <Loading rows={12} /> : <Failure error={error} retry={() => void refetch()} />}</Panel>
      ) : (
        <Editor page="new" initial={emptyDraft(projects[0]?.name ?? '', owner)} projects={projects.map(({ name }) => name)} />
      )}
    </>
  );
}

export function EditJobPage() {
  const { project, name } = route.useParams();
  const { data, error, refetch } = useJob(project, name);
  return (
    <>
      <p className={page.crumbs}><Link to="/jobs">Jobs</Link> / {project} / <Link to="/jobs/$project/$name" params={{ project, name }}>{name}</Link></p>
      <PageHead title={`Edit ${name}`} />
      {data === undefined ? (
        <Panel title="Job">{error === null ? <Loading rows={12} /> : <Failure error={error} retry={() => void refetch()} />}</Panel>
      ) : (
        <Editor page={`${project}/${name}`} initial={fromJob(data.job)} />
      )}
    </>
  );
}

/** With `projects` the job is new, and can be of any of them. */
function Editor({ page: place, initial, projects }: { page: string; initial: Draft; projects?: string[] }) {
  const { draft, dirty, restored, change, forget, discard } = useDraft(place, initial);
  const why = useRefusal('configure');
  const apply = useApplyJob();
  const navigate = useNavigate();
  const form = useRef<HTMLFormElement>(null);
  const [answered, setAnswered] = useState<Draft | null>(null);
  const [done, setDone] = useState(false);
  const blocker = useBlocker({ shouldBlockFn: () => dirty && !done, enableBeforeUnload: dirty && !done, withResolver: true });
  const faults = apply.error instanceof ApiError ? byField(apply.error.faults) : new Map<string, string>();
  const fields: FieldsProps = {
    draft,
    change,
    fault: (key) => faults.get(key),
  };
  const text = useText(fields);

  // The first field that is at fault is where one goes on.
  useEffect(() => {
    if (apply.error !== null) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [apply.error]);

  const send = (dryRun: boolean) => {
    setAnswered(draft);
    apply.mutate({ job: toJob(draft), dryRun }, {
      onSuccess: () => {
        if (dryRun) return;
        forget();
        setDone(true);
        notifications.show({ color: 'green', message: projects === undefined ? `${draft.name} was changed` : `${draft.name} was made` });
        void navigate({ to: '/jobs/$project/$name', params: { project: draft.project.trim(), name: draft.name.trim() }, ignoreBlocker: true });
      },
    });
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (why === null) send(false);
  };
  const current = answered === draft;
  return (
    <form ref={form} className={page.stack} onSubmit={submit} noValidate aria-label="Job">
      {why !== null && <Callout kind="warning" title="You can look, but not change"><p>{why}</p></Callout>}
      {restored && dirty && (
        <Callout kind="quiet" title="What you typed before is here again">
          <p>It was not sent. <Button size="compact-xs" variant="default" onClick={discard}>Discard it</Button></p>
        </Callout>
      )}
      <Panel title="Job">
        <div className={classes.fields}>
          {projects === undefined ? (
            text('project', 'project', 'Project', { readOnly: true, description: 'Stays as it is' })
          ) : (
            <NativeSelect label="Project" value={draft.project} data={projects} error={fields.fault('project')} onChange={(event) => change({ project: event.currentTarget.value })} />
          )}
          {text('name', 'name', 'Name', projects === undefined ? { readOnly: true, description: 'Stays as it is' } : { placeholder: 'mail-nightly', required: true })}
          {text('owner', 'owner', 'Owner', { description: 'Its scheduled tasks run as this user' })}
          {text('comment', 'comment', 'Comment')}
        </div>
      </Panel>
      <TaskFields {...fields} />
      <WhenFields {...fields} />
      <HowFields {...fields} />
      {apply.error !== null && <Refused error={apply.error} />}
      <div className={classes.bar}>
        <Button type="submit" loading={apply.isPending && !apply.variables.dryRun} disabled={why !== null}>{projects === undefined ? 'Apply' : 'Make the job'}</Button>
        <Button variant="default" loading={apply.isPending && apply.variables.dryRun} disabled={why !== null} onClick={() => send(true)}>Check</Button>
        <p role="status">{apply.isSuccess && apply.data.dry_run && current ? outcome(apply.data) : ''}</p>
        <Button variant="subtle" color="gray" renderRoot={(props) => (projects === undefined ? <Link to="/jobs/$project/$name" params={{ project: draft.project, name: draft.name }} {...props} /> : <Link to="/jobs" {...props} />)}>Cancel</Button>
      </div>
      {blocker.status === 'blocked' && (
        <Confirm title="Leave without applying" action="Discard changes" danger busy={false} error={null} onConfirm={() => { forget(); blocker.proceed(); }} onClose={blocker.reset}>
          <p>What you changed was not applied, and is discarded.</p>
        </Confirm>
      )}
    </form>
  );
}

function outcome({ created, changed }: { created: string[]; changed: string[] }): string {
  if (created.length > 0) return 'The hub takes it: the job would be made.';
  return changed.length > 0 ? 'The hub takes it: the job would be changed.' : 'The hub takes it: nothing would change.';
}
