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
export type Right = Schemas['Right'];
export type LoggedIn = Schemas['LoggedIn'];
export type FactorWanted = Schemas['SecondFactorWanted'];
export type ProposedFactor = Schemas['ProposedFactor'];
export type SetUpHub = Schemas['SetUpHub'];
export type PlannedRuns = Schemas['PlannedRuns'];
export type PlannedPrune = Schemas['PlannedPrune'];
export type PlannedSnapshot = Schemas['PlannedSnapshot'];
export type PlanPrune = Schemas['PlanPrune'];
export type RoleAt = Schemas['RoleAt'];
export type Grant = Schemas['Grant'];
export type User = Schemas['User'];
export type CreateUser = Schemas['CreateUser'];
export type ChangeUser = Schemas['ChangeUser'];
export type Role = Schemas['Role'];
export type Token = Schemas['Token'];
export type CreateToken = Schemas['CreateToken'];
export type CreatedToken = Schemas['CreatedToken'];
export type AuditPage = Schemas['AuditList'];
export type AuditEntry = Schemas['AuditEntry'];
export type Problem = Schemas['Problem'];
export type Fault = Schemas['Fault'];
export type ProgressNotice = Schemas['ProgressNotice'];
/** What the event stream sends under the name of its type. */
export type HubEvent = Schemas['Event'];

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

export type Severity = Schemas['Severity'];
export type EventType = Schemas['EventType'];
export type Inbox = Schemas['Inbox'];
export type InboxEntry = Schemas['InboxEntry'];
export type InboxCounts = Schemas['InboxCounts'];
export type EntryButton = Schemas['EntryButton'];
export type ActionAnswer = Schemas['ActionAnswer'];
export type Mute = Schemas['Mute'];
export type MuteRule = Schemas['MuteRule'];
export type MuteWish = Loose<MuteRule>;
export type Incident = Schemas['Incident'];
export type IncidentState = Schemas['IncidentState'];
export type IncidentDetail = Schemas['IncidentDetail'];
export type IncidentMember = Schemas['IncidentMember'];
export type IncidentNotice = Schemas['IncidentNotice'];
/** What is declared has defaults, which the hub leaves out as often as it writes them; the document says that all is there. */
type Loose<T> = T extends readonly (infer Item)[] ? Loose<Item>[] : T extends object ? { [Key in keyof T]?: Loose<T[Key]> } : T;

export type EventFilter = Loose<Schemas['Filter']>;
export type Hours = Loose<Schemas['Hours']>;
export type GroupRule = Loose<Schemas['Rule']>;
export type Handler = Omit<Loose<Schemas['Handler']>, 'name' | 'plugin' | 'config'> & Pick<Schemas['Handler'], 'name' | 'plugin'> & { config?: unknown };
export type Group = Omit<Loose<Schemas['Group']>, 'name' | 'handler' | 'rule' | 'matrix'> & {
  name: string;
  handler?: Handler[];
  rule?: GroupRule[];
  matrix?: Record<string, string[]>;
};
export interface GroupPage {
  groups: Group[];
  failing: FailingHandler[];
}
export type FailingHandler = Schemas['FailingHandler'];
export type Document = Schemas['Document'];
export type Message = Schemas['Message'];
export type MessageState = Schemas['MessageState'];
export type MessageDetail = Schemas['MessageDetail'];
export type Attempt = Schemas['Attempt'];
export type Exchange = Schemas['Exchange'];
export type Silence = Schemas['Silence'];
export type CreateSilence = Schemas['CreateSilence'];
export type SilenceWish = Loose<CreateSilence>;
export type Matchers = Loose<Schemas['Matchers']>;
export type Maintenance = Loose<Schemas['Maintenance']> & Pick<Schemas['Maintenance'], 'name' | 'from' | 'lasts'>;
export type MaintenanceView = Schemas['MaintenanceView'];
export type ExplainRequest = Schemas['ExplainRequest'];
export type ExplainWish = Loose<ExplainRequest>;
export type ExplainAnswer = Schemas['ExplainAnswer'];
export type ExplainedHandler = Schemas['ExplainedHandler'];
export type TestAnswer = Schemas['TestAnswer'];
export type TestedHandler = Schemas['TestedHandler'];
export type ApplyAnswer = Schemas['ApplyAnswer'];
export type Plugin = Schemas['Plugin'];

/** What matters least comes first. */
export const SEVERITIES = ['info', 'notice', 'warning', 'error'] as const satisfies readonly Severity[];

/** Every event type without `ironcore.`, by what it is about. */
export const EVENT_GROUPS: readonly { about: string; types: readonly ShortEventType[] }[] = [
  { about: 'Tasks', types: ['task.queued', 'task.started', 'task.completed', 'task.warning', 'task.failed', 'task.cancelled'] },
  { about: 'Stored data', types: ['snapshot.verified', 'snapshot.stale', 'sync.integrity-error'] },
  { about: 'Jobs', types: ['job.missed', 'job.overdue', 'job.overrun'] },
  { about: 'Datastores', types: ['datastore.space-low', 'datastore.status-changed'] },
  { about: 'Workers and scheduler', types: ['worker.online', 'worker.offline', 'scheduler.paused', 'scheduler.resumed'] },
  { about: 'Notification', types: ['delivery.exhausted', 'handler.disabled', 'plugin.failed'] },
  { about: 'Access and configuration', types: ['auth.login-failed', 'auth.locked-out', 'auth.token-created', 'config.permission-granted', 'config.role-created', 'config.key-rotated'] },
  { about: 'Hub', types: ['system.started', 'system.stopped', 'system.certificate-renewed'] },
];

export type ShortEventType = EventType extends `ironcore.${infer Name}` ? Name : never;
export const EVENT_TYPES: readonly ShortEventType[] = EVENT_GROUPS.flatMap((group) => group.types);

/** `ironcore.task.failed` → `task.failed`, as people write it. */
export function shortType(type: string): string {
  return type.replace(/^ironcore\./, '');
}
