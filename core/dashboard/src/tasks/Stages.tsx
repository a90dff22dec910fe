// A task's stages, each with a bar: how far, how fast, how long.
import { IconCheck } from '@tabler/icons-react';

import type { Stage, Task } from '../api/model';
import { formatBytes, formatCount, formatRate } from '../format/bytes';
import { elapsed, formatDuration } from '../format/time';
import { useNow } from '../ui/now';
import { currentStage, type Rate, rateOf, remainingMs, stageShare } from './rate';
import classes from './Stages.module.css';

/** `3.20 GiB of 9.10 GiB · 12,340 of 20,000 files`, as far as it is known. */
function amount(stage: Stage): string {
  const out: string[] = [];
  if (stage.bytes_total != null && stage.bytes_total > 0 && stage.ended == null) {
    out.push(`${formatBytes(stage.bytes)} of ${formatBytes(stage.bytes_total)}`);
  } else if (stage.bytes > 0) out.push(formatBytes(stage.bytes));
  if (stage.total != null && stage.total > 0 && stage.ended == null) {
    out.push(`${formatCount(stage.done)} of ${formatCount(stage.total)} ${stage.unit}`);
  } else if (stage.done > 0) out.push(`${formatCount(stage.done)} ${stage.unit}`);
  return out.join(' · ');
}

/** `84.2 MiB/s`, or units a second where no bytes move; null while nothing is known. */
export function speed(stage: Stage, rate: Rate): string | null {
  if (rate.bytes !== null && (rate.bytes > 0 || stage.bytes > 0)) return formatRate(rate.bytes);
  if (rate.units !== null && stage.unit !== '') return `${formatCount(rate.units)} ${stage.unit}/s`;
  return null;
}

function StageRow({ stage, over, rate, bad }: { stage: Stage; over: boolean; rate: Rate | null; bad: boolean }) {
  const now = useNow();
  const ended = stage.ended != null;
  const share = stageShare(stage);
  const percent = share === null ? null : Math.floor(share * 100);
  const took = elapsed(stage.started, stage.ended, now);
  const left = rate === null ? null : remainingMs(stage, rate);
  const pace = rate === null ? null : speed(stage, rate);
  // A stage without an end in a task that is over is where the task broke off.
  const state = ended ? 'done' : over ? (bad ? 'broken' : 'left') : 'running';
  const side =
    state === 'running'
      ? [pace, left === null ? null : `${formatDuration(left)} left`].filter((each) => each !== null).join(' · ')
      : took !== null && ended
        ? formatDuration(took)
        : state === 'broken'
          ? 'broke off here'
          : '';

  return (
    <li className={classes.stage} data-state={state}>
      <div className={classes.line}>
        <span className={classes.name}>
          {ended && <IconCheck size={14} stroke={2.6} aria-label="done" />}
          {stage.name}
        </span>
        {!ended && percent !== null && <span className={classes.percent}>{percent} %</span>}
      </div>
      <div
        className={classes.track}
        role="progressbar"
        aria-label={stage.name}
        aria-valuemin={0}
        aria-valuemax={100}
        {...(percent === null ? {} : { 'aria-valuenow': percent })}
      >
        <div className={classes.fill} data-unknown={percent === null && state === 'running'} style={{ width: `${(share ?? (state === 'running' ? 1 : 0)) * 100}%` }} />
      </div>
      <div className={classes.facts}>
        <span>{amount(stage)}</span>
        <span>{side}</span>
      </div>
    </li>
  );
}

/** All stages of `task`. With `brief`, those that are done share one line. */
export function Stages({ task, brief = false }: { task: Task; brief?: boolean }) {
  const { stages } = task.progress;
  const current = currentStage(task.progress);
  const over = task.state !== 'running';
  const done = brief ? stages.filter((stage) => stage.ended != null && stage !== stages.at(-1)) : [];
  const shown = stages.filter((stage) => !done.includes(stage));
  if (stages.length === 0) {
    return <p className={classes.none}>{over ? 'No stage was begun.' : 'Getting ready …'}</p>;
  }
  return (
    <>
      {done.length > 0 && (
        <p className={classes.done}>
          {done.map((stage) => (
            <span key={stage.name}><IconCheck size={13} stroke={2.6} aria-label="done:" /> {stage.name}</span>
          ))}
        </p>
      )}
      <ul className={classes.stages} aria-label="Stages">
        {shown.map((stage, at) => (
          <StageRow
            key={`${stage.name}-${at}`}
            stage={stage}
            over={over}
            rate={!over && stage === current ? rateOf(task.upid) : null}
            bad={task.state === 'failed'}
          />
        ))}
      </ul>
    </>
  );
}
