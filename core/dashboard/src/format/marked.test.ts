import { describe, expect, it } from 'vitest';

import { codeParts, splitEvidence } from './marked';

describe('advice', () => {
  it('has its code marked', () => {
    expect(codeParts('Run `df -h` and `ls`.').map((part) => [part.text, part.code])).toEqual([
      ['Run ', false], ['df -h', true], [' and ', false], ['ls', true], ['.', false],
    ]);
    expect(codeParts('a ` b')).toEqual([{ text: 'a ` b', code: false }]);
    expect(codeParts('')).toEqual([]);
    expect(codeParts('``')).toEqual([{ text: '``', code: false }]);
  });
  it('may hold backticks between more of them', () => {
    expect(codeParts("Run ``ls 'it `x` <b>'`` or `` `y` ``, `z`").map((part) => [part.text, part.code])).toEqual([
      ['Run ', false], ["ls 'it `x` <b>'", true], [' or ', false], ['`y`', true], [', ', false], ['z', true],
    ]);
    expect(codeParts('a ` b\nc ` d')).toEqual([{ text: 'a ` b\nc ` d', code: false }]);
  });
  it('is told apart from its evidence', () => {
    expect(splitEvidence('A chunk broke: its disk is old.\ncode: chunk.corrupt\nlog: no: really')).toEqual({
      reason: 'A chunk broke: its disk is old.', evidence: ['code: chunk.corrupt', 'log: no: really'],
    });
    expect(splitEvidence('One.\nTwo.')).toEqual({ reason: 'One.\nTwo.', evidence: [] });
  });
});
