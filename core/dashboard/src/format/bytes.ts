// Amounts as people read them: binary units for bytes, short counts for everything else.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;
const exact = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `1536` → `1.50 KiB`: three significant digits, so that a column of them can be compared at a glance. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return '–';
  let value = bytes;
  let unit = 0;
  // 1023.5 KiB would be shown as 1024 KiB, so the next unit begins a little earlier.
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? 'B'}`;
}

/** `1536` → `1,536 bytes`. */
export function exactBytes(bytes: number): string {
  return bytes === 1 ? '1 byte' : `${exact.format(bytes)} bytes`;
}

/** `12345` → `12,345`. */
export function formatCount(count: number): string {
  return exact.format(count);
}

/** Bytes per second, as `84.2 MiB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}
