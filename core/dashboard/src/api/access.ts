// The questions about who may do what: users, roles, tokens, and who changed what.
import { type InfiniteData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { type AuditSearch, toAuditQuery } from '../audit/search';
import { answer, api } from './client';
import type { AuditPage, CreateToken, CreateUser, ChangeUser, Right, RoleAt } from './model';

export const accessKeys = {
  all: ['access'] as const,
  users: ['access', 'users'] as const,
  roles: ['access', 'roles'] as const,
  tokens: ['access', 'tokens'] as const,
  audit: (search: object) => ['access', 'audit', search] as const,
};

export function useUsers() {
  return useQuery({ queryKey: accessKeys.users, refetchInterval: 30_000, queryFn: async ({ signal }) => (await answer(api.GET('/api/v1/users', { signal }))).users });
}

export function useRoles() {
  return useQuery({ queryKey: accessKeys.roles, refetchInterval: 60_000, queryFn: async ({ signal }) => (await answer(api.GET('/api/v1/roles', { signal }))).roles });
}

export function useTokens() {
  return useQuery({ queryKey: accessKeys.tokens, refetchInterval: 30_000, queryFn: async ({ signal }) => (await answer(api.GET('/api/v1/tokens', { signal }))).tokens });
}

/** A change of who may do what. Everything about it is asked for again, for a user's end is the end of its tokens. */
function useChange<Wish, Answer>(mutationFn: (wish: Wish) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({ mutationFn, onSettled: () => client.invalidateQueries({ queryKey: accessKeys.all }) });
}

export const useCreateUser = () => useChange((body: CreateUser) => answer(api.POST('/api/v1/users', { body })));

export const useChangeUser = () =>
  useChange(({ user, ...body }: ChangeUser & { user: string }) => answer(api.PATCH('/api/v1/users/{user}', { params: { path: { user } }, body })));

export const useRemoveUser = () => useChange((user: string) => answer<unknown>(api.DELETE('/api/v1/users/{user}', { params: { path: { user } } })));

export const useTakeFactor = () => useChange((user: string) => answer<unknown>(api.DELETE('/api/v1/users/{user}/second-factor', { params: { path: { user } } })));

export const useGrantRole = () =>
  useChange(({ user, ...body }: RoleAt & { user: string }) => answer(api.POST('/api/v1/users/{user}/grants', { params: { path: { user } }, body })));

export const useTakeRole = () =>
  useChange(({ user, role, project }: RoleAt & { user: string }) =>
    answer<unknown>(api.DELETE('/api/v1/users/{user}/grants', { params: { path: { user }, query: { role, ...(project == null ? {} : { project }) } } })));

export const usePutRole = () =>
  useChange(({ name, ...body }: { name: string; rights: Right[]; comment: string | null }) => answer(api.PUT('/api/v1/roles/{name}', { params: { path: { name } }, body })));

export const useRemoveRole = () => useChange((name: string) => answer<unknown>(api.DELETE('/api/v1/roles/{name}', { params: { path: { name } } })));

export const useCreateToken = () => useChange((body: CreateToken) => answer(api.POST('/api/v1/tokens', { body })));

export const useRevokeToken = () => useChange((user: string) => answer<unknown>(api.DELETE('/api/v1/tokens/{user}', { params: { path: { user } } })));

/** Changes, the newest first. Relative times are settled with the first page, so that the others fit to it. */
export function useAudit(search: AuditSearch) {
  return useInfiniteQuery<AuditPage & { since: string | undefined }, Error, InfiniteData<AuditPage>, ReturnType<typeof accessKeys.audit>, { cursor: string | null; since: string | undefined }>({
    queryKey: accessKeys.audit(search),
    initialPageParam: { cursor: null, since: undefined },
    queryFn: async ({ pageParam, signal }) => {
      const query = { ...toAuditQuery(search, Date.now()), limit: 50 };
      if (pageParam.since !== undefined) query.since = pageParam.since;
      const page = await answer(api.GET('/api/v1/audit', { params: { query: { ...query, ...(pageParam.cursor === null ? {} : { cursor: pageParam.cursor }) } }, signal }));
      return { ...page, since: query.since };
    },
    getNextPageParam: (last) => (last.next == null ? undefined : { cursor: last.next, since: last.since }),
  });
}
