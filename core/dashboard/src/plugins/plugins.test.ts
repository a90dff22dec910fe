import { describe, expect, it } from 'vitest';

import { properties, typeInWords } from './schema';

describe('the configuration of a plugin', () => {
  it('names types', () => {
    expect([
      typeInWords({ type: 'string' }), typeInWords({ enum: ['plain', 'login'] }), typeInWords({ anyOf: [{ type: 'boolean' }, { type: 'integer' }] }),
      typeInWords({ type: 'object', properties: { secret: {} } }), typeInWords({ type: 'array', items: { type: 'string' } }), typeInWords({}), typeInWords(null),
    ]).toEqual(['string', '"plain" or "login"', 'boolean or integer', 'secret', 'list of string', 'any', 'any']);
  });
  it('lists what is required first', () => {
    expect(properties({ required: ['b'], properties: { a: { type: 'string' }, b: { type: 'integer', description: 'How many.' } } })).toEqual([
      { name: 'b', type: 'integer', required: true, description: 'How many.' }, { name: 'a', type: 'string', required: false, description: '' },
    ]);
    expect(properties(undefined)).toEqual([]);
  });
});
