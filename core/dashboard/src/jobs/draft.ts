// A job as the editor's form holds it, all of it text, and the way from a declaration and back. What the form does not know is
// kept as it was.
import type { Fault, Job, TaskSpec } from '../api/model';

export const EDITED_TYPES = ['backup', 'prune', 'verify', 'sync', 'gc', 'restore'] as const;
export type EditedType = (typeof EDITED_TYPES)[number];

export interface CommandDraft {
  /** The program and its arguments, one a line. */
  run: string;
  timeout: string;
  onFailure: 'fail' | 'warn' | 'ignore';
}

export interface Draft {
  project: string;
  name: string;
  owner: string;
  comment: string;
  enabled: boolean;
  type: EditedType;
  schedule: string;
  timezone: string;
  after: string;
  delay: string;
  blackout: { from: string; lasts: string }[];
  missed: 'run-once' | 'skip';
  grace: string;
  overlap: 'queue' | 'skip' | 'cancel-old';
  retries: string;
  retryDelay: string;
  timeout: string;
  warnAfter: string;
  recoveryPoint: string;
  before: CommandDraft;
  afterCommand: CommandDraft;
  groups: string[];
  // Of the task, whichever its type needs.
  datastore: string;
  namespace: string;
  tree: string;
  exclude: string;
  optional: boolean;
  backupType: 'vm' | 'ct' | 'host';
  backupId: string;
  full: boolean;
  from: string;
  remoteUrl: string;
  remoteToken: string;
  remoteFingerprint: string;
  to: string;
  only: string;
  keep: Record<'last' | 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly', string>;
  keepZone: string;
  depth: 'full' | 'stored';
  again: boolean;
  dryRun: boolean;
  snapshot: string;
  overwrite: boolean;
  force: boolean;
}

const NO_COMMAND: CommandDraft = { run: '', timeout: '', onFailure: 'fail' };

export function emptyDraft(project: string, owner: string): Draft {
  return {
    project, name: '', owner, comment: '', enabled: true, type: 'backup', schedule: '', timezone: 'UTC', after: '', delay: '', blackout: [], missed: 'run-once', grace: '',
    overlap: 'queue', retries: '', retryDelay: '', timeout: '', warnAfter: '', recoveryPoint: '', before: NO_COMMAND, afterCommand: NO_COMMAND, groups: [],
    datastore: '', namespace: '', tree: '', exclude: '', optional: false, backupType: 'host', backupId: '', full: false, from: '', remoteUrl: '', remoteToken: '',
    remoteFingerprint: '', to: '', only: '', keep: { last: '', hourly: '', daily: '', weekly: '', monthly: '', yearly: '' }, keepZone: 'UTC', depth: 'full', again: false,
    dryRun: false, snapshot: '', overwrite: false, force: false,
  };
}

const lines = (text: string) => text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
const numberOf = (text: string) => (/^\d+$/.test(text.trim()) ? Number(text.trim()) : null);

function commandOf(command: Job['command-before']): CommandDraft {
  return command == null ? NO_COMMAND : { run: command.run.join('\n'), timeout: command.timeout ?? '', onFailure: command['on-failure'] ?? 'fail' };
}

function ofTask(task: TaskSpec): Partial<Draft> {
  switch (task.type) {
    case 'backup':
      return {
        datastore: task.datastore, namespace: task.namespace ?? '', tree: task.source.tree, exclude: (task.source.exclude ?? []).join('\n'), optional: task.source.optional === true,
        backupType: task['backup-type'] ?? 'host', backupId: task['backup-id'], full: task.full === true,
      };
    case 'sync':
      return {
        from: task.from.datastore, remoteUrl: task.from.remote?.url ?? '', remoteToken: task.from.remote?.['token-secret'] ?? '', remoteFingerprint: task.from.remote?.fingerprint ?? '',
        to: task.to, namespace: task.namespace ?? '', only: (task.groups ?? []).join('\n'),
      };
    case 'prune': {
      const written = (rule: keyof Draft['keep']) => String(task.keep?.[rule] ?? '');
      return {
        datastore: task.datastore, namespace: task.namespace ?? '', only: (task.groups ?? []).join('\n'), keepZone: task.timezone ?? 'UTC', dryRun: task['dry-run'] === true,
        keep: { last: written('last'), hourly: written('hourly'), daily: written('daily'), weekly: written('weekly'), monthly: written('monthly'), yearly: written('yearly') },
      };
    }
    case 'verify':
      return { datastore: task.datastore, namespace: task.namespace ?? '', depth: task.depth ?? 'full', again: task.again === true, snapshot: task.snapshot ?? '' };
    case 'gc':
      return { datastore: task.datastore, dryRun: task['dry-run'] === true };
    case 'restore':
      return { snapshot: task.snapshot, to: task.to, overwrite: task.overwrite === true, force: task.force === true };
  }
}

export function fromJob(job: Job): Draft {
  return {
    ...emptyDraft(job.project, job.owner),
    name: job.name, comment: job.comment ?? '', enabled: job.enabled !== false, type: job.task.type, schedule: job.schedule ?? '', timezone: job.timezone ?? 'UTC', after: job.after ?? '',
    delay: job['randomized-delay'] ?? '', blackout: (job.blackout ?? []).map(({ from, lasts }) => ({ from, lasts })), missed: job.missed ?? 'run-once', grace: job.grace ?? '',
    overlap: job.overlap ?? 'queue', retries: job.retries === undefined || job.retries === 0 ? '' : String(job.retries), retryDelay: job['retry-delay'] ?? '', timeout: job.timeout ?? '',
    warnAfter: job['warn-after'] ?? '', recoveryPoint: job['recovery-point'] ?? '', before: commandOf(job['command-before']), afterCommand: commandOf(job['command-after']),
    groups: [...(job.groups ?? [])], ...ofTask(job.task),
  };
}

function toTask(draft: Draft): TaskSpec {
  const { type, datastore, namespace } = draft;
  switch (type) {
    case 'backup':
      return {
        type, datastore, namespace, source: { tree: draft.tree, exclude: lines(draft.exclude), optional: draft.optional }, 'backup-type': draft.backupType, 'backup-id': draft.backupId, full: draft.full,
      };
    case 'sync': {
      const fingerprint = draft.remoteFingerprint.trim();
      const remote = draft.remoteUrl.trim() === '' ? null : { url: draft.remoteUrl.trim(), 'token-secret': draft.remoteToken.trim(), fingerprint: fingerprint === '' ? null : fingerprint };
      return { type, from: { datastore: draft.from, remote }, to: draft.to, namespace, groups: lines(draft.only) };
    }
    case 'prune': {
      const { last, hourly, daily, weekly, monthly, yearly } = draft.keep;
      const keep = { last: numberOf(last), hourly: numberOf(hourly), daily: numberOf(daily), weekly: numberOf(weekly), monthly: numberOf(monthly), yearly: numberOf(yearly) };
      return { type, datastore, namespace, keep, timezone: draft.keepZone, groups: lines(draft.only), 'dry-run': draft.dryRun };
    }
    case 'verify':
      return { type, datastore, depth: draft.depth, again: draft.again, namespace: namespace === '' ? null : namespace, snapshot: draft.snapshot === '' ? null : draft.snapshot };
    case 'gc':
      return { type, datastore, 'dry-run': draft.dryRun };
    case 'restore':
      return { type, snapshot: draft.snapshot, to: draft.to, overwrite: draft.overwrite, force: draft.force };
  }
}

function toCommand({ run, timeout, onFailure }: CommandDraft): Job['command-before'] {
  const words = lines(run);
  if (words.length === 0) return null;
  return { run: words, 'on-failure': onFailure, ...(timeout.trim() === '' ? {} : { timeout: timeout.trim() }) };
}

const text = (value: string) => (value.trim() === '' ? null : value.trim());

/** The declaration. Fields that are empty are left to the hub's defaults. */
export function toJob(draft: Draft): Job {
  const job: Job = {
    project: draft.project.trim(), name: draft.name.trim(), owner: draft.owner.trim(), comment: text(draft.comment), enabled: draft.enabled, schedule: text(draft.schedule), after: text(draft.after),
    'randomized-delay': text(draft.delay), blackout: draft.blackout.filter(({ from, lasts }) => from.trim() !== '' || lasts.trim() !== ''), missed: draft.missed, overlap: draft.overlap,
    timeout: text(draft.timeout), 'warn-after': text(draft.warnAfter), 'recovery-point': text(draft.recoveryPoint), groups: draft.groups,
    'command-before': toCommand(draft.before) ?? null, 'command-after': toCommand(draft.afterCommand) ?? null, task: toTask(draft),
  };
  if (draft.timezone.trim() !== '') job.timezone = draft.timezone.trim();
  if (draft.grace.trim() !== '') job.grace = draft.grace.trim();
  if (draft.retries.trim() !== '') job.retries = numberOf(draft.retries) ?? 0;
  if (draft.retryDelay.trim() !== '') job['retry-delay'] = draft.retryDelay.trim();
  return job;
}

/** Faults by the key of their field: `schedule`, `task.source.tree`. The hub names keys within the object, or within the
 * request when it could not even be read. */
export function byField(faults: readonly Fault[]): Map<string, string> {
  const out = new Map<string, string>();
  for (const { key, detail } of faults) {
    const field = key.replace(/^job\[0\]\.?/, '');
    const words = detail.replace(/ at line \d+ column \d+$/, '');
    out.set(field, out.has(field) ? `${out.get(field) ?? ''} ${words}` : words);
  }
  return out;
}
