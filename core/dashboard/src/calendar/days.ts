// Days, weeks and months of a zone as the calendar needs them. A day is written `2026-05-21` and has no time by itself.
import { formatTime, fromZoned } from '../format/time';

const DAY = 86_400_000;
export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'] as const;

const noon = (day: string) => Date.parse(`${day}T12:00:00Z`);
const written = (ms: number) => new Date(ms).toISOString().slice(0, 10);

/** The day of a point in time in `zone`. */
export function dayOf(time: string, zone: string): string {
  return formatTime(time, zone).slice(0, 10);
}

export function addDays(day: string, days: number): string {
  return written(noon(day) + days * DAY);
}

/** 0 for Monday. */
export function weekdayOf(day: string): number {
  return (new Date(noon(day)).getUTCDay() + 6) % 7;
}

export function mondayOf(day: string): string {
  return addDays(day, -weekdayOf(day));
}

/** The first of the month so many months away. */
export function monthStart(day: string, months = 0): string {
  const [year = 0, month = 1] = day.split('-').map(Number);
  return written(Date.UTC(year, month - 1 + months, 1, 12));
}

/** The days that a page of a calendar shows for the month: whole weeks. */
export function monthDays(day: string): string[] {
  const first = mondayOf(monthStart(day));
  const weeks = Math.ceil((noon(monthStart(day, 1)) - noon(first)) / DAY / 7);
  return Array.from({ length: weeks * 7 }, (_, at) => addDays(first, at));
}

export function weekDays(day: string): string[] {
  const first = mondayOf(day);
  return Array.from({ length: 7 }, (_, at) => addDays(first, at));
}

/** When the day begins in `zone`, as the API takes it. */
export function startOf(day: string, zone: string): string {
  return fromZoned(`${day}T00:00`, zone) ?? `${day}T00:00:00Z`;
}

export function monthName(day: string): string {
  const [year = '', month = '1'] = day.split('-');
  return `${MONTHS[Number(month) - 1] ?? ''} ${year}`;
}

/** `Thu 21 May 2026`. */
export function dayName(day: string): string {
  const [year = '', month = '1', date = ''] = day.split('-');
  return `${WEEKDAYS[weekdayOf(day)] ?? ''} ${Number(date)} ${MONTHS[Number(month) - 1] ?? ''} ${year}`;
}
