// Second factors: the step after the password, and the one of whoever is signed in.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { keys } from './cache';
import { answer, api } from './client';
import { endLogin } from './login';

const ownKey = [...keys.session, 'factor'] as const;

/** Goes on from the password. */
export function signInByCode(step: string, code: string) {
  return answer(api.POST('/api/v1/login/second-factor', { body: { step, code: code.trim() } }));
}

/** The second factor that is to be set up before signing in. Asked for once: each further one takes the place of the last. */
export function useProposedOnTheWay(step: string) {
  return useQuery({
    queryKey: [...keys.login, 'factor', step],
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
    queryFn: () => answer(api.POST('/api/v1/login/second-factor/new', { body: { step } })),
  });
}

/** Whether whoever is signed in has one. */
export function useOwnFactor() {
  return useQuery({ queryKey: ownKey, queryFn: ({ signal }) => answer(api.GET('/api/v1/session/second-factor', { signal })) });
}

export function useProposeFactor() {
  return useMutation({ mutationFn: (password: string) => answer(api.POST('/api/v1/session/second-factor', { body: { password } })) });
}

export function useConfirmFactor() {
  return useMutation({ mutationFn: async (code: string) => (await answer(api.POST('/api/v1/session/second-factor/confirm', { body: { code: code.trim() } }))).recovery_codes });
}

/** Signs out everywhere. */
export function useRemoveFactor() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (body: { password: string; code: string }) => {
      await answer<unknown>(api.POST('/api/v1/session/second-factor/remove', { body }));
    },
    onSuccess: () => {
      endLogin('no-factor');
      client.clear();
    },
  });
}
