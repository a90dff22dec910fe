import { describe, expect, it } from 'vitest';

import { clockInWords } from './clock';

describe('the clocks', () => {
  it('differ only when it matters', () => {
    expect(clockInWords(-4_000)).toBeNull();
    expect(clockInWords(120_000)).toContain('2 min ahead of');
    expect(clockInWords(-3_600_000)).toContain('1 h behind');
  });
});
