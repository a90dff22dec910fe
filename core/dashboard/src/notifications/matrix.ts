// The event matrix of a group: who is told of which event type, as far as matrix, filters and the default rule decide.
// Rules come before, and the rest of a handler's filter has the last word; neither is decided here.
import { EVENT_TYPES, type EventType, type Group, type Handler, shortType, type ShortEventType } from '../api/model';

export type Matrix = Record<string, string[]>;

export type Cell =
  /** The type stands in the matrix, and the handler beside it. */
  | 'told'
  /** The type stands in the matrix, and the handler not beside it. */
  | 'left-out'
  /** The type does not stand in the matrix: the handler's own event types, or the default rule, let it pass. */
  | 'by-filter' | 'by-default'
  | 'not';

const DEFAULT: readonly ShortEventType[] = ['task.completed', 'task.warning', 'task.failed'];
/** Told by default wherever failed tasks are; of verifications only bad ones. */
const WITH_FAILED: readonly ShortEventType[] = ['snapshot.verified', 'delivery.exhausted', 'handler.disabled'];

const long = (type: ShortEventType) => `ironcore.${type}` satisfies EventType;

/** The handlers beside a type, or null when the type does not stand in the matrix. */
export function rowOf(matrix: Matrix, type: ShortEventType): string[] | null {
  const key = Object.keys(matrix).find((each) => shortType(each) === type);
  return key === undefined ? null : (matrix[key] ?? []);
}

export function cellOf(matrix: Matrix, type: ShortEventType, handler: Handler): Cell {
  const row = rowOf(matrix, type);
  if (row !== null) return row.includes(handler.name) ? 'told' : 'left-out';
  const events = handler.filter?.events;
  if (events != null) return events.length === 0 || events.some((each) => shortType(each) === type) ? 'by-filter' : 'not';
  return DEFAULT.includes(type) || WITH_FAILED.includes(type) ? 'by-default' : 'not';
}

export const isTold = (cell: Cell) => cell !== 'left-out' && cell !== 'not';

/** Turns one cell over. A type that did not stand in the matrix gets a row of who was told of it before. */
export function toggled(matrix: Matrix, type: ShortEventType, handler: Handler, handlers: readonly Handler[]): Matrix {
  const before = rowOf(matrix, type) ?? handlers.filter((each) => isTold(cellOf(matrix, type, each))).map((each) => each.name);
  const after = before.includes(handler.name)
    ? before.filter((name) => name !== handler.name)
    : handlers.map((each) => each.name).filter((name) => name === handler.name || before.includes(name));
  return { ...withoutRow(matrix, type), [long(type)]: after };
}

/** Takes a type out of the matrix: filters and the default rule decide again. */
export function withoutRow(matrix: Matrix, type: ShortEventType): Matrix {
  return Object.fromEntries(Object.entries(matrix).filter(([key]) => shortType(key) !== type));
}

/** Two matrices that say the same, whatever the order of their keys and names. */
export function sameMatrix(a: Matrix, b: Matrix): boolean {
  return EVENT_TYPES.every((type) => {
    const [left, right] = [rowOf(a, type), rowOf(b, type)];
    if (left === null || right === null) return left === right;
    return left.length === right.length && left.every((name) => right.includes(name));
  });
}

/** The types whose row differs. */
export function changedTypes(a: Matrix, b: Matrix): ShortEventType[] {
  return EVENT_TYPES.filter((type) => {
    const [left, right] = [rowOf(a, type), rowOf(b, type)];
    return JSON.stringify(left?.toSorted()) !== JSON.stringify(right?.toSorted());
  });
}

/** Whether a group was declared anew by somebody else since it was read. */
export function changedMeanwhile(read: Group, now: Group): boolean {
  return JSON.stringify(sorted(read)) !== JSON.stringify(sorted(now));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a.localeCompare(b)).map(([key, each]) => [key, sorted(each)]));
}
