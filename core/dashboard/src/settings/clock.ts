// How far this browser's clock is from the hub's.
import { formatDuration } from '../format/time';

/** Less than this is on the way, not on the clock. */
const SMALL_MS = 5_000;

/** In words; null when both agree. `ahead` is by how much the browser's clock is ahead. */
export function clockInWords(ahead: number): string | null {
  if (Math.abs(ahead) < SMALL_MS) return null;
  return `This browser’s clock is ${formatDuration(Math.abs(ahead))} ${ahead > 0 ? 'ahead of' : 'behind'} the hub’s: what is said to be “ago” is wrong by as much.`;
}
