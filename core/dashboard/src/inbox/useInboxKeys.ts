// The keys of the inbox: j, k and arrows move, r marks, Escape closes. Enter opens, since each row is a link. They work while the focus
// is in the list or in an entry, so that no key does something behind the user's back.
import { type KeyboardEvent, type RefObject, useEffect, useRef } from 'react';

import { useMarkEntries } from '../api/inbox';
import type { InboxEntry } from '../api/model';
import { tellFailed } from '../ui/Trouble';

const STEPS: Partial<Record<string, number>> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

const rowsIn = (box: HTMLElement | null) => [...(box?.querySelectorAll<HTMLAnchorElement>('a[data-seq]') ?? [])];

/** Where the next step leads; the first row when the focus is on none. */
export function stepFrom(at: number, by: number, count: number): number | null {
  if (count === 0) return null;
  if (at === -1) return 0;
  const next = at + by;
  return next < 0 || next >= count ? null : next;
}

export function useInboxKeys(box: RefObject<HTMLElement | null>, entries: readonly InboxEntry[], onEscape: () => void) {
  const mark = useMarkEntries();
  /** The row that has or had the focus last: its entry, and its place. */
  const last = useRef<{ seq: number; at: number } | null>(null);

  // A row that goes, as when it is read while only unread ones are listed, leaves the focus to the one in its place.
  useEffect(() => {
    const lost = last.current;
    if (lost === null || document.activeElement !== document.body) return;
    const rows = rowsIn(box.current);
    if (rows.some((row) => Number(row.dataset.seq) === lost.seq)) return;
    rows[Math.min(lost.at, rows.length - 1)]?.focus();
  }, [box, entries]);

  return (event: KeyboardEvent<HTMLElement>) => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest('input, textarea, select, [contenteditable], [role="dialog"], [role="menu"]') !== null) return;
    const rows = rowsIn(box.current);
    const focused = rows.indexOf(target as HTMLAnchorElement);
    const opened = rows.findIndex((row) => row.dataset.selected !== undefined);
    const at = focused === -1 ? opened : focused;
    const by = STEPS[event.key];
    if (by !== undefined && !(event.key.startsWith('Arrow') && focused === -1)) {
      const next = stepFrom(at, by, rows.length);
      const row = next === null ? undefined : rows[next];
      if (row === undefined || next === null) return;
      event.preventDefault();
      row.focus();
      last.current = { seq: Number(row.dataset.seq), at: next };
      return;
    }
    if (event.key === 'Escape' && opened !== -1) {
      rows[opened]?.focus();
      onEscape();
    }
    if (event.key !== 'r') return;
    const entry = entries.find((each) => each.seq === Number(rows[at]?.dataset.seq));
    if (entry === undefined) return;
    event.preventDefault();
    last.current = { seq: entry.seq, at };
    mark.mutate({ seqs: [entry.seq], read: !entry.read }, { onError: (error) => tellFailed('The entry was not marked', error) });
  };
}
