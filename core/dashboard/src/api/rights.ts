// What the session may do, so that a page offers nothing that the hub would refuse. The hub says what, and decides all the same.
import { useQuery } from '@tanstack/react-query';

import { keys } from './cache';
import type { Right, Session } from './model';

interface Meaning {
  /** Stands behind “may not”. */
  words: string;
  /** Of no use on a project. */
  hub?: true;
}

/** Every right, in the hub's order and words. */
export const RIGHTS: Record<Right, Meaning> = {
  'run-jobs': { words: 'run jobs' },
  'cancel-tasks': { words: 'cancel tasks' },
  'take-actions': { words: 'take the actions of tips' },
  acknowledge: { words: 'acknowledge events and incidents' },
  verify: { words: 'start a verification' },
  'pause-jobs': { words: 'pause or resume jobs' },
  'replay-messages': { words: 'send messages again' },
  'test-handlers': { words: 'test handlers' },
  silence: { words: 'silence notifications' },
  'collect-garbage': { words: 'start a garbage collection' },
  prune: { words: 'start a prune' },
  sync: { words: 'start a sync' },
  'read-datastores': { words: 'read whole datastores' },
  'silence-hub': { words: 'silence the notifications of the whole hub', hub: true },
  'pause-scheduler': { words: 'pause or resume the scheduler', hub: true },
  'back-up-paths': { words: 'back up a path that no job names', hub: true },
  'restore-paths': { words: 'restore to a path of the hub', hub: true },
  'sync-remote': { words: 'sync with another hub', hub: true },
  'read-figures': { words: 'read the figures of the hub', hub: true },
  export: { words: 'export the configuration', hub: true },
  'read-access': { words: 'see who may do what, and who changed what', hub: true },
  'back-up-hub': { words: 'copy the hub’s own state', hub: true },
  configure: { words: 'change the configuration', hub: true },
  'manage-access': { words: 'change who may do what', hub: true },
};

export const ALL_RIGHTS = Object.keys(RIGHTS) as Right[];

type Rights = Pick<Session, 'role' | 'project' | 'rights'>;

export function may(session: Rights | undefined, right: Right): boolean {
  return session?.rights?.includes(right) ?? false;
}

/** Why not, as a sentence; null when it may. */
export function refusal(session: Rights | undefined, right: Right): string | null {
  if (session === undefined) return 'Who is signed in is not known yet.';
  if (may(session, right)) return null;
  return `The role ${session.role}${session.project == null ? '' : ` of ${session.project}`} may not ${RIGHTS[right].words}.`;
}

/** Who is signed in. The frame asks; the pages inside it only look. */
export function useSession(): Session | undefined {
  return useQuery<Session>({ queryKey: keys.session, enabled: false }).data;
}

export function useMay(right: Right): boolean {
  return may(useSession(), right);
}

export function useRefusal(right: Right): string | null {
  return refusal(useSession(), right);
}
