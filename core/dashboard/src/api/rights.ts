// What the session may do, so that a page offers nothing that the hub would refuse. The hub decides all the same.
import { useQuery } from '@tanstack/react-query';

import { keys } from './cache';
import type { Session } from './model';

export type Right =
  /** Says that somebody sees to an event or an incident; closes incidents. */
  | 'acknowledge'
  /** Runs, verifies and retries what belongs to its project. */
  | 'run'
  /** Collects, syncs again, pauses; sends messages again, tests, previews; silences. */
  | 'operate'
  /** Changes what is declared. */
  | 'declare';

const NEEDS: Record<Right, readonly Session['role'][]> = {
  acknowledge: ['admin', 'operator', 'member'],
  run: ['admin', 'operator', 'member'],
  operate: ['admin', 'operator'],
  declare: ['admin'],
};

export function may(session: Pick<Session, 'role'> | undefined, right: Right): boolean {
  return session !== undefined && NEEDS[right].includes(session.role);
}

/** Why not, as a sentence; null when it may. */
export function refusal(session: Pick<Session, 'role'> | undefined, right: Right): string | null {
  if (may(session, right)) return null;
  const who = NEEDS[right].filter((role) => role !== 'member').join(' or ');
  return `Needs the role ${who}; yours is ${session?.role ?? 'not known yet'}.`;
}

/** Who is signed in. The frame asks; the pages inside it only look. */
export function useSession(): Session | undefined {
  return useQuery<Session>({ queryKey: keys.session, enabled: false }).data;
}

export function useMay(right: Right): boolean {
  return may(useSession(), right);
}
