// Reading what stands in an address's query.

/** Those of these keys that hold some text. */
export function readTexts<K extends string>(search: Record<string, unknown>, keys: readonly K[]): Partial<Record<K, string>> {
  const out: Partial<Record<K, string>> = {};
  for (const key of keys) {
    const value = search[key];
    if (typeof value === 'string' && value.trim() !== '') out[key] = value.trim();
  }
  return out;
}

/** The value when it is one of these words, else nothing. */
export function oneOf<T extends string>(value: unknown, words: readonly T[]): T | undefined {
  return words.find((word) => word === value);
}

/** The same query with something set, or, when it is nothing, left out. */
export function withParts(search: Record<string, unknown>, parts: Record<string, string | undefined>): Record<string, unknown> {
  const next = { ...search, ...parts };
  return Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined && value !== ''));
}
