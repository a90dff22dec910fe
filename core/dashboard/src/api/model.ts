// Short names for the shapes of the API document. Everything else in the pages imports from here, never from the schema.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Task = Schemas['Task'];
export type TaskType = Schemas['TaskType'];
export type TaskState = Schemas['TaskState'];
export type TaskPage = Schemas['TaskList'];
export type Stage = Schemas['Stage'];
export type Progress = Schemas['Progress'];
export type Warning = Schemas['Warning'];
export type Tip = Schemas['Tip'];
export type LogLine = Schemas['LogEntry'];
export type LogPage = Schemas['LogPage'];
export type Session = Schemas['Session'];
export type Problem = Schemas['Problem'];

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

/** What a running task tells of itself, at most once a second. */
export interface ProgressMessage {
  upid: string;
  bytes: number;
  progress: Progress;
}

/** The part of a CloudEvent that the pages read. */
export interface HubEvent {
  id: string;
  type: string;
  subject?: string | null;
  time: string;
  data: { title: string; severity: string; task?: EventTask | null };
}

/** A task as an event tells of it; what the pages patch into the lists before they ask again. */
export interface EventTask {
  upid: string;
  type: TaskType;
  state: TaskState;
  started?: string | null;
  ended?: string | null;
  bytes: number;
  warning_count: number;
}
