import { describe, expect, it } from 'vitest';

import { may, refusal } from './rights';

const member = { role: 'member', project: 'acme', rights: ['run-jobs', 'acknowledge'] as ('run-jobs' | 'acknowledge')[] };

describe('rights', () => {
  it('are those that the hub says, whatever the role is called', () => {
    expect([may(member, 'run-jobs'), may(member, 'configure'), may({ role: 'admin' }, 'configure'), may(undefined, 'run-jobs')]).toEqual([true, false, false, false]);
  });
  it('say what may not be done', () => {
    expect(refusal(member, 'run-jobs')).toBeNull();
    expect(refusal(member, 'configure')).toBe('The role member of acme may not change the configuration.');
    expect(refusal({ role: 'night-watch', rights: [] }, 'prune')).toBe('The role night-watch may not start a prune.');
  });
});
