// What is different between an object as it was and as it is, key by key.

export interface Difference {
  /** Where: `name`, or `limits.per` within something. */
  key: string;
  /** As it was; null when it was not there. */
  before: string | null;
  /** As it is; null when it is not there any more. */
  after: string | null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function inWords(value: unknown): string | null {
  if (value === null || value === undefined || value === '') return null;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  if (isObject(value)) {
    return Object.entries(value).flatMap(([key, each]) => {
      const text = inWords(each);
      return text === null ? [] : [`${key} ${text}`];
    }).join(', ');
  }
  return JSON.stringify(value);
}

function ofLists(key: string, before: readonly unknown[], after: readonly unknown[]): Difference[] {
  const [was, is] = [before, after].map((list) => list.map((each) => inWords(each) ?? '–')) as [string[], string[]];
  return [
    ...was.filter((each) => !is.includes(each)).map((each) => ({ key, before: each, after: null })),
    ...is.filter((each) => !was.includes(each)).map((each) => ({ key, before: null, after: each })),
  ];
}

/** Only what differs. Of lists, what came and what went; of what was made or removed, all that it holds. */
export function diffOf(before: unknown, after: unknown, path = ''): Difference[] {
  const empty = (value: unknown) => value === null || value === undefined;
  if ((isObject(before) || empty(before)) && (isObject(after) || empty(after)) && !(empty(before) && empty(after))) {
    const [was, is] = [before ?? {}, after ?? {}] as [Record<string, unknown>, Record<string, unknown>];
    const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
    return names.flatMap((name) => diffOf(was[name], is[name], path === '' ? name : `${path}.${name}`));
  }
  if ((Array.isArray(before) || empty(before)) && (Array.isArray(after) || empty(after)) && !(empty(before) && empty(after))) {
    return ofLists(path, (before ?? []) as unknown[], (after ?? []) as unknown[]);
  }
  const [was, is] = [inWords(before), inWords(after)];
  return was === is ? [] : [{ key: path, before: was, after: is }];
}
