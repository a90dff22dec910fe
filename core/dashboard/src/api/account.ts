// Signing in and out, and what belongs to whoever is signed in: its roles, its password.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { keys } from './cache';
import { answer, api, ApiError } from './client';
import { beginLogin, currentLogin, endLogin, headersOf } from './login';
import type { FactorWanted, LoggedIn, RoleAt, Session, SetUpHub } from './model';

/** What a step of signing in comes to: who is signed in, and by what. */
export type SignedIn =
  | { by: 'cookie'; answer: LoggedIn }
  | { by: 'token'; secret: string; session: Session };

/** With a password. The secret comes as a cookie; or a second factor is wanted first. */
export async function signInByPassword(user: string, password: string): Promise<SignedIn | { by: 'factor'; wanted: FactorWanted }> {
  const said = await answer<LoggedIn | FactorWanted>(api.POST('/api/v1/login', { body: { user, password } }));
  return 'step' in said ? { by: 'factor', wanted: said } : { by: 'cookie', answer: said };
}

/** Makes the first administrator, with the token that the hub printed. */
export async function setUpHub(body: SetUpHub): Promise<string> {
  return (await answer(api.POST('/api/v1/setup', { body }))).user;
}

/** The identity providers at which one can sign in, too. */
export function useLoginWays() {
  return useQuery({ queryKey: [...keys.login, 'ways'], staleTime: 60_000, queryFn: async ({ signal }) => (await answer(api.GET('/api/v1/login/ways', { signal }))).ways });
}

/** With the secret of a token, which is tried before it is kept. */
export async function signInByToken(secret: string): Promise<SignedIn> {
  const headers = headersOf({ by: 'token', secret });
  return { by: 'token', secret, session: await answer(api.GET('/api/v1/session', { headers })) };
}

/** Opens the pages for who has signed in. Nothing of whoever was there before stays known. */
export function useAdmit(): (signedIn: SignedIn, isNew?: boolean) => void {
  const client = useQueryClient();
  return (signedIn, isNew = true) => {
    client.clear();
    if (signedIn.by === 'cookie') {
      client.setQueryData<Session>(keys.session, signedIn.answer.session);
      beginLogin({ by: 'cookie', csrf: signedIn.answer.csrf_token }, isNew);
    } else {
      client.setQueryData<Session>(keys.session, signedIn.session);
      beginLogin({ by: 'token', secret: signedIn.secret });
    }
  };
}

/** Whether the cookie of an earlier visit, or of another tab, is still good. Null when it is not. */
export async function findLogin(signal: AbortSignal): Promise<SignedIn | null> {
  try {
    return { by: 'cookie', answer: await answer(api.GET('/api/v1/login', { signal })) };
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return null;
    throw error;
  }
}

/** Signs out: a cookie is of no use any more then, a token is forgotten by this tab. */
export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      if (currentLogin()?.by !== 'cookie') return;
      const { error, response } = await api.POST('/api/v1/logout');
      // Signed out by itself in the meantime is signed out, too.
      if (response.status !== 401) await answer<unknown>(Promise.resolve({ error, response }));
    },
    onSuccess: () => {
      endLogin();
      client.clear();
    },
  });
}

/** What the user may do, and where: it acts by one of these at a time. */
export function useOwnGrants(enabled: boolean) {
  return useQuery({
    queryKey: [...keys.session, 'grants'],
    enabled,
    queryFn: ({ signal }) => answer(api.GET('/api/v1/session/grants', { signal })),
  });
}

/** Goes on by another role of the user. */
export function useSwitchRole() {
  const admit = useAdmit();
  return useMutation({
    mutationFn: async (wanted: RoleAt) => {
      await answer<unknown>(api.POST('/api/v1/session/switch', { body: wanted }));
      return answer(api.GET('/api/v1/login'));
    },
    onSuccess: (loggedIn) => admit({ by: 'cookie', answer: loggedIn }),
  });
}

/** Another password for whoever is signed in, who has to sign in with it, here and everywhere. */
export function useChangePassword() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (passwords: { old: string; new: string }) => {
      await answer<unknown>(api.POST('/api/v1/session/password', { body: passwords }));
    },
    onSuccess: () => {
      endLogin('new-password');
      client.clear();
    },
  });
}
