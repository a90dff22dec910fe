// Short names for the shapes of the API document, from which `npm run types` makes the types. Everything else in the pages
// imports from here, never from what is generated.
import type { components } from './generated/openapi';

type Schemas = components['schemas'];

export type Task = Schemas['Task'];
export type TaskType = Schemas['TaskType'];
export type TaskState = Schemas['TaskState'];
export type TaskPage = Schemas['TaskList'];
/** Running tasks and the first that wait, in one page that counts the running; and how many wait in all. */
export type ActiveTasks = TaskPage & { queued: number; queued_capped: boolean };
export type Stage = Schemas['Stage'];
export type Progress = Schemas['Progress'];
export type Warning = Schemas['Warning'];
export type Tip = Schemas['Tip'];
export type LogLine = Schemas['LogEntry'];
export type LogPage = Schemas['LogPage'];
export type Session = Schemas['Session'];
export type Problem = Schemas['Problem'];
export type ProgressNotice = Schemas['ProgressNotice'];
/** What the event stream sends under the name of its type. */
export type HubEvent = Schemas['Event'];

export type Fault = Schemas['Fault'];
export type Job = Schemas['Job'];
export type JobView = Schemas['JobView'];
export type JobRun = Schemas['Run'];
export type TaskSpec = Schemas['TaskSpec'];
export type Keep = Partial<Schemas['Keep']>;
export type Datastore = Schemas['Datastore'];
export type UsageHistory = Schemas['UsageHistory'];
export type FillDate = Schemas['FillDate'];
export type Snapshot = Schemas['Snapshot'];
export type SnapshotDetail = Schemas['SnapshotDetail'];
export type Verification = Schemas['Verification'];
export type VerifyResult = Schemas['VerifyResult'];
export type Figures = Schemas['Figures'];
export type Metrics = Schemas['Metrics'];
export type Statistics = Schemas['Statistics'];
export type HubStatus = Schemas['Status'];
export type Worker = Schemas['Worker'];
export type WorkerList = Schemas['WorkerList'];
export type Incident = Schemas['Incident'];
export type InboxEntry = Schemas['InboxEntry'];

/** Every task type, in the order in which people meet them. */
export const TASK_TYPES = ['backup', 'restore', 'sync', 'verify', 'gc', 'prune', 'tape'] as const satisfies readonly TaskType[];

/** Every task state, worst of the final ones first. */
export const TASK_STATES = ['running', 'queued', 'failed', 'warning', 'ok', 'cancelled'] as const satisfies readonly TaskState[];

/** As people see a state, here, in mail and on the command line. */
export const SHOWN: Record<TaskState, string> = {
  queued: 'queued',
  running: 'running',
  ok: 'OK',
  warning: 'WARNING',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
};

/** Whether a task is over; final is final. */
export function isFinal(state: TaskState): boolean {
  return state !== 'queued' && state !== 'running';
}

/** What the pages take from a task that an event tells of, until they ask again. */
export type EventTask = Pick<Schemas['TaskData'], 'upid' | 'state' | 'started' | 'ended' | 'bytes' | 'warning_count'>;
