// How much is unread, as text.
import type { InboxCounts } from '../api/model';
import { formatCount } from '../format/bytes';

/** `7`, `999+`: what fits into a badge. */
export function shortCount(count: number): string {
  return count > 999 ? '999+' : String(count);
}

/** `391 unread: 101 errors, 2 warnings, 4 notices, 284 info`. */
export function countsInWords(counts: InboxCounts): string {
  if (counts.unread === 0) return 'nothing unread';
  const many = (count: number, word: string) => (count === 0 ? [] : [`${formatCount(count)} ${word}${count === 1 || word === 'info' ? '' : 's'}`]);
  const parts = [...many(counts.error, 'error'), ...many(counts.warning, 'warning'), ...many(counts.notice, 'notice'), ...many(counts.info, 'info')];
  return `${formatCount(counts.unread)}${counts.unread_capped ? '+' : ''} unread: ${parts.join(', ')}`;
}
