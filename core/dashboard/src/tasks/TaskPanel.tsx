// One task in full: what it did, how far it is, what went wrong, what to do about it, and its log.
import { Button, Drawer, Popover } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconAlertTriangle, IconBulb, IconHourglass, IconLink, IconPlayerStop, IconX } from '@tabler/icons-react';
import { useState } from 'react';

import { isFinal, type Task, type Tip } from '../api/model';
import { useMay } from '../api/rights';
import { useCancelTask, useTask } from '../api/tasks';
import { formatCount } from '../format/bytes';
import { splitEvidence } from '../format/marked';
import { shellQuote } from '../format/upid';
import { CommandLine, CopyButton } from '../ui/Copy';
import { Marked } from '../ui/Marked';
import { Failure, Loading } from '../ui/Panel';
import { StatusBadge } from '../ui/StatusBadge';
import { TypeLabel } from '../ui/TypeLabel';
import { LogView } from './LogView';
import { Route } from './Route';
import { Stages } from './Stages';
import { TaskFacts } from './TaskFacts';
import { taskAddress } from './TaskLink';
import classes from './TaskPanel.module.css';

export function TaskPanel({ upid, onClose }: { upid: string; onClose: () => void }) {
  const { data: task, error, refetch } = useTask(upid);
  return (
    <Drawer.Root classNames={{ content: classes.panel ?? '' }} opened onClose={onClose} position="right" size="min(48rem, 100vw)" transitionProps={{ duration: 120 }}>
      <Drawer.Overlay backgroundOpacity={0.35} />
      <Drawer.Content>
        <div className={classes.header}>
          <div className={classes.headline}>
            <Drawer.Title className={classes.title}>
              {task === undefined ? 'Task' : <TypeLabel type={task.type} />}
              {task?.job != null && <span className={classes.job}>{task.job}</span>}
            </Drawer.Title>
            {task !== undefined && <StatusBadge state={task.state} status={task.status} />}
          </div>
          <div className={classes.tools}>
            {task !== undefined && !isFinal(task.state) && <CancelTask key={task.state} task={task} />}
            <CopyButton value={taskAddress(upid)} what="link" icon={<IconLink size={16} />} />
            <Drawer.CloseButton data-autofocus aria-label="Close" icon={<IconX size={19} stroke={1.8} />} />
          </div>
        </div>
        <Drawer.Body className={classes.body}>
          {task === undefined ? (
            error === null ? <Loading rows={8} /> : <Failure error={error} retry={() => void refetch()} />
          ) : (
            <TaskBody task={task} />
          )}
        </Drawer.Body>
      </Drawer.Content>
    </Drawer.Root>
  );
}

function TaskBody({ task }: { task: Task }) {
  const follow = isFinal(task.state) ? '' : ' --follow';
  return (
    <>
      <div className={classes.route}><Route task={task} /></div>
      {task.error != null && (
        <div className={classes.callout} data-kind="failed">
          <IconX size={18} stroke={2.2} aria-hidden />
          <div>
            <p className={classes.what}>{task.error.message}</p>
            <code>{task.error.code}</code>
          </div>
        </div>
      )}
      {task.state === 'queued' && (
        <div className={classes.callout} data-kind="quiet">
          <IconHourglass size={18} stroke={1.8} aria-hidden />
          <p>{task.waiting ?? 'Waiting for a worker.'}</p>
        </div>
      )}
      {task.tips.map((tip, at) => <TipCard key={at} tip={tip} />)}
      <TaskFacts task={task} />
      {task.state !== 'queued' && (
        <section className={classes.section} aria-label="Progress by stage">
          <h3>Stages</h3>
          <Stages task={task} />
        </section>
      )}
      <Warnings task={task} />
      <LogView upid={task.upid} />
      <CommandLine command={`ironcore-backup task log --upid ${shellQuote(task.upid)}${follow}`} />
    </>
  );
}

export function TipCard({ tip }: { tip: Tip }) {
  const { reason, evidence } = splitEvidence(tip.why);
  return (
    <div className={classes.callout} data-kind="tip">
      <IconBulb size={18} stroke={1.8} aria-hidden />
      <div>
        <p className={classes.what}><Marked text={tip.title} /></p>
        {reason !== '' && <p className={classes.why}><Marked text={reason} /></p>}
        {evidence.length > 0 && (
          <ul className={classes.evidence}>{evidence.map((text, at) => <li key={at}>{text}</li>)}</ul>
        )}
        {tip.steps.length > 0 && <ol>{tip.steps.map((text, at) => <li key={at}><Marked text={text} /></li>)}</ol>}
        {tip.link != null && /^https?:\/\//.test(tip.link) && (
          <a href={tip.link} target="_blank" rel="noreferrer noopener">Read more</a>
        )}
      </div>
    </div>
  );
}

function Warnings({ task }: { task: Task }) {
  const { warnings, warning_count: count } = task;
  if (count === 0 && warnings.length === 0) return null;
  const missing = count - warnings.length;
  return (
    <section className={classes.section} aria-label="Warnings">
      <h3><IconAlertTriangle size={16} stroke={1.9} aria-hidden className={classes.sign} /> {count === 1 ? '1 warning' : `${formatCount(count)} warnings`}</h3>
      <ul className={classes.warnings}>
        {warnings.map((warning, at) => (
          <li key={at}>
            {warning.path != null && <code className={classes.path}>{warning.path}</code>}
            <span>{warning.message}</span>
            <code className={classes.code}>{warning.code}</code>
          </li>
        ))}
      </ul>
      {missing > 0 && <p className={classes.why}>{formatCount(missing)} more are in the log.</p>}
    </section>
  );
}

function CancelTask({ task }: { task: Task }) {
  const allowed = useMay('cancel-tasks');
  const [open, setOpen] = useState(false);
  const cancel = useCancelTask();
  if (!allowed) return null;
  const asked = cancel.isPending || cancel.isSuccess;
  const confirm = () => {
    setOpen(false);
    cancel.mutate(task.upid, {
      onError: (error) => notifications.show({ color: 'red', title: 'The task was not cancelled', message: error.message }),
    });
  };
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" withArrow shadow="md" trapFocus width={290}>
      <Popover.Target>
        <Button size="compact-sm" variant="default" disabled={asked} leftSection={<IconPlayerStop size={15} stroke={1.8} />} onClick={() => setOpen(!open)}>
          {asked ? 'Cancelling …' : 'Cancel'}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <p className={classes.ask}>
          {task.state === 'queued' ? 'Take this task out of the queue?' : 'Stop this task? What it did so far is not undone.'}
        </p>
        <div className={classes.choices}>
          <Button size="xs" variant="default" onClick={() => setOpen(false)}>{task.state === 'queued' ? 'Keep it' : 'Let it run'}</Button>
          <Button size="xs" color="red.8" onClick={confirm}>Cancel task</Button>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
