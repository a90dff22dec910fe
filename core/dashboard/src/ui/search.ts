// Reading filters out of an address: what cannot be understood is left out.
import { EVENT_TYPES, shortType, type ShortEventType } from '../api/model';
import { resolveTime } from '../tasks/filters';

export type Raw = Record<string, unknown>;

/** A text that says something, trimmed. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** One of these words, whatever its case. */
export function oneOf<T extends string>(value: unknown, words: readonly T[]): T | undefined {
  const text = textOf(value)?.toLowerCase();
  return words.find((word) => word === text);
}

/** Those of these words that stand in a text with commas, in their own order. */
export function someOf<T extends string>(value: unknown, words: readonly T[]): T[] {
  const wanted = (textOf(value) ?? '').toLowerCase().split(',').map((word) => word.trim());
  return words.filter((word) => wanted.includes(word));
}

/** Event types, with or without `ironcore.`. */
export function typesOf(value: unknown): ShortEventType[] {
  return someOf((textOf(value) ?? '').split(',').map((type) => shortType(type.trim())).join(','), EVENT_TYPES);
}

/** `24h ago`, or RFC 3339. */
export function timeOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && resolveTime(text, 0) !== null ? text : undefined;
}

/** Leaves out what is not set, so that two searches with the same meaning are the same. */
export function tidy<T extends object>(search: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined && value !== '')) as T;
}
