// What can be done to a job: run it now, pause it or let it go on, remove it. Each is asked about, and says what became of it.
import { Button, Checkbox, Menu, Tooltip } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Link, useNavigate } from '@tanstack/react-router';
import { IconChevronDown, IconEdit, IconPlayerPause, IconPlayerPlay, IconTrash } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';

import { usePauseJob, useRemoveJob, useRunJob } from '../api/jobs';
import type { Job } from '../api/model';
import { useRefusal } from '../api/rights';
import { TaskLink } from '../tasks/TaskLink';
import { Confirm, useOnce } from '../ui/Confirm';
import { CommandLine } from '../ui/Copy';

type Asked = 'run' | 'pause' | 'resume' | 'remove';

/** `brief` leaves all but running and pausing out, as in a list. */
export function JobActions({ job, brief = false }: { job: Job; brief?: boolean }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const noRun = useRefusal('run-jobs');
  const noPause = useRefusal('pause-jobs');
  const noChange = useRefusal('configure');
  const paused = job.enabled === false;
  const close = () => setAsked(null);
  return (
    <>
      <Button.Group>
        <Reason why={noRun}>
          <Button
            size="compact-sm" variant="default" leftSection={<IconPlayerPlay size={15} stroke={1.8} aria-hidden />} {...(noRun === null ? {} : { "data-disabled": true })}
            aria-disabled={noRun !== null} aria-label={brief ? `Run ${job.name} now` : undefined} onClick={() => noRun === null && setAsked('run')}
          >
            {brief ? 'Run' : 'Run now'}
          </Button>
        </Reason>
        <Menu position="bottom-end" withinPortal>
          <Menu.Target>
            <Button size="compact-sm" variant="default" px={6} aria-label={`More for ${job.name}`}><IconChevronDown size={15} aria-hidden /></Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={paused ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />} disabled={noPause !== null} onClick={() => setAsked(paused ? 'resume' : 'pause')}>
              {paused ? 'Resume' : 'Pause'}{noPause !== null && <Why text={noPause} />}
            </Menu.Item>
            <Menu.Item leftSection={<IconEdit size={16} />} disabled={noChange !== null} renderRoot={(props) => <Link to="/jobs/$project/$name/edit" params={{ project: job.project, name: job.name }} {...props} />}>
              Edit
            </Menu.Item>
            <Menu.Item leftSection={<IconTrash size={16} />} color="red.8" disabled={noChange !== null} onClick={() => setAsked('remove')}>
              Remove{noChange !== null && <Why text={noChange} />}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </Button.Group>
      {asked === 'run' && <RunNow job={job} onClose={close} />}
      {(asked === 'pause' || asked === 'resume') && <Pause job={job} pause={asked === 'pause'} onClose={close} />}
      {asked === 'remove' && <Remove job={job} onClose={close} />}
    </>
  );
}

function Why({ text }: { text: string }) {
  return <small style={{ display: 'block', maxWidth: '15rem', whiteSpace: 'normal' }}>{text}</small>;
}

/** A button that cannot be used says why when it is pointed at or reached. */
export function Reason({ why, children }: { why: string | null; children: ReactNode }) {
  return <Tooltip label={why ?? ''} disabled={why === null} multiline maw="18rem">{children}</Tooltip>;
}

function RunNow({ job, onClose }: { job: Job; onClose: () => void }) {
  const [full, setFull] = useState(false);
  const { key } = useOnce();
  const run = useRunJob();
  const confirm = () =>
    run.mutate({ project: job.project, name: job.name, full, key }, {
      onSuccess: ({ upid }) => {
        notifications.show({ color: 'green', title: `${job.name} was queued`, message: <TaskLink upid={upid} log>Open its log</TaskLink> });
        onClose();
      },
    });
  const command = `ironcore-backup job run --project ${job.project} ${job.name}${full ? ' --full' : ''}`;
  return (
    <Confirm title={`Run ${job.name} now`} action="Run now" busy={run.isPending} error={run.error} onConfirm={confirm} onClose={onClose}>
      <p>
        It is queued at once, whatever its schedule{job.enabled === false ? ', although it is paused' : ''}. If a run goes on, this one waits: a job never runs beside itself.
      </p>
      {job.task.type === 'backup' && (
        <Checkbox label="Full" description="Reads every file again, whatever its metadata says." checked={full} onChange={(event) => setFull(event.currentTarget.checked)} />
      )}
      <CommandLine command={command} />
    </Confirm>
  );
}

function Pause({ job, pause, onClose }: { job: Job; pause: boolean; onClose: () => void }) {
  const change = usePauseJob();
  const confirm = () =>
    change.mutate({ project: job.project, name: job.name, pause }, {
      onSuccess: () => {
        notifications.show({ color: pause ? 'yellow' : 'green', message: pause ? `${job.name} is paused` : `${job.name} goes on` });
        onClose();
      },
    });
  return (
    <Confirm title={pause ? `Pause ${job.name}` : `Resume ${job.name}`} action={pause ? 'Pause' : 'Resume'} busy={change.isPending} error={change.error} onConfirm={confirm} onClose={onClose}>
      <p>
        {pause
          ? 'No run of it begins by itself until it is resumed, and runs that wait go on waiting. A run that is under way ends. By hand it can be run all the same.'
          : 'It runs at its times again. Times that passed while it was paused are not made up for.'}
      </p>
      <CommandLine command={`ironcore-backup job ${pause ? 'pause' : 'resume'} --project ${job.project} ${job.name}`} />
    </Confirm>
  );
}

function Remove({ job, onClose }: { job: Job; onClose: () => void }) {
  const remove = useRemoveJob();
  const navigate = useNavigate();
  const confirm = () =>
    remove.mutate({ project: job.project, name: job.name }, {
      onSuccess: () => {
        notifications.show({ color: 'green', message: `${job.name} of ${job.project} was removed` });
        onClose();
        void navigate({ to: '/jobs', search: {} });
      },
    });
  return (
    <Confirm title={`Remove ${job.name}`} action="Remove job" danger busy={remove.isPending} error={remove.error} onConfirm={confirm} onClose={onClose}>
      <p>
        The job <b>{job.name}</b> of project <b>{job.project}</b> is removed and never runs again. Its tasks stay in the history, and the snapshots
        that it made stay in their datastore.
      </p>
      <p>It is refused while another job runs after this one, or a task of it is not over.</p>
      <CommandLine command={`ironcore-backup job remove --project ${job.project} ${job.name}`} />
    </Confirm>
  );
}
