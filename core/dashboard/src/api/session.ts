// Who is signed in, and what that allows. The hub decides; this only spares people from asking in vain.
import { useQuery } from '@tanstack/react-query';

import { keys } from './cache';
import { answer, api } from './client';
import type { Session } from './model';

export type Right = 'run' | 'start-verify' | 'start-upkeep' | 'pause-job' | 'pause-scheduler' | 'configure' | 'read-inbox';

/** Why the session may not do it, in words; null when it may. */
export function refusal(session: Session | undefined, right: Right): string | null {
  if (session === undefined) return 'Who is signed in is not known yet.';
  const { role } = session;
  const ofHub = session.project == null;
  const who = `The role ${role}${ofHub ? '' : ' of a project'}`;
  switch (right) {
    case 'read-inbox':
      return null;
    case 'run':
    case 'start-verify':
      return role === 'auditor' ? `${who} reads only.` : null;
    case 'start-upkeep':
    case 'pause-job':
      return role === 'admin' || role === 'operator' ? null : `${who} may not do this; administrators and operators may.`;
    case 'pause-scheduler':
      return ofHub && (role === 'admin' || role === 'operator') ? null : `${who} may not pause the scheduler; administrators and operators of the hub may.`;
    case 'configure':
      return ofHub && role === 'admin' ? null : `${who} may not change the configuration; administrators of the hub may.`;
  }
}

export function useSession(): Session | undefined {
  // The frame asks before any page is there.
  return useQuery<Session>({ queryKey: keys.session, enabled: false, queryFn: ({ signal }) => answer(api.GET('/api/v1/session', { signal })) }).data;
}

export function useRefusal(right: Right): string | null {
  return refusal(useSession(), right);
}
