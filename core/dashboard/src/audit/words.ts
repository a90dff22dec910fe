// What was done, and to what, in words.
const DONE: Record<string, string> = {
  'user.created': 'made the user', 'user.changed': 'changed the user', 'user.removed': 'removed the user',
  'grant.made': 'gave a role to', 'grant.taken': 'took a role from',
  'role.created': 'made the role', 'role.changed': 'changed the role', 'role.removed': 'removed the role',
  'token.created': 'made the token', 'token.revoked': 'revoked the token',
};

/** What this version does not know yet is shown as the hub calls it. */
export function doneInWords(action: string): string {
  return DONE[action] ?? action;
}

export function splitObject(object: string): { kind: string; name: string } {
  const at = object.indexOf('/');
  return at < 0 ? { kind: '', name: object } : { kind: object.slice(0, at), name: object.slice(at + 1) };
}

/** Kinds of objects to choose from. */
export const KINDS = [
  { value: 'user/', label: 'Users and their roles' },
  { value: 'role/', label: 'Roles' },
  { value: 'token/', label: 'Tokens' },
];
