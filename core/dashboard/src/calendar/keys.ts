// Arrow keys step from cell to cell.
import type { KeyboardEvent } from 'react';

/** `wide` is how many cells a row has. */
export function stepByArrows(event: KeyboardEvent<HTMLElement>, wide: number): void {
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -wide, ArrowDown: wide }[event.key];
  if (by === undefined || !(event.target instanceof HTMLElement)) return;
  const cells = [...event.currentTarget.querySelectorAll('td')];
  let at = cells.findIndex((cell) => cell.contains(event.target as Node));
  if (at === -1) return;
  // Cells in which nothing is have nothing to focus.
  for (at += by; at >= 0 && at < cells.length; at += by) {
    const next = cells[at]?.querySelector<HTMLElement>('a, button');
    if (next == null) continue;
    event.preventDefault();
    next.focus();
    return;
  }
}
