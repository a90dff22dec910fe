import { describe, expect, it } from 'vitest';

import { scheduleInWords } from './schedule';

describe('schedules in words', () => {
  it.each([
    ['*:0/5', 'every 5 minutes'],
    ['mon..fri 8..18/2:30', 'at 08:30, 10:30, 12:30, 14:30, 16:30 and 18:30 on Monday to Friday'],
    ['02:00', 'at 02:00 every day'],
    ['Sun 06:00', 'at 06:00 on Sunday'],
    ['mon,wed,fri 22:15', 'at 22:15 on Monday, Wednesday and Friday'],
    ['*-*-01 03:00:00', 'at 03:00 on day 1 of the month'],
    ['*-1,7-1', 'at 00:00 on day 1 of the month, in January and July'],
    ['hourly', 'every hour'],
    ['weekly', 'at 00:00 on Monday'],
    ['*:15', 'every hour at minute 15'],
    ['0/4:30', 'at 00:30, 04:30, 08:30, 12:30, 16:30 and 20:30 every day'],
    ['0/2:0/30', 'every 30 minutes of every 2 hours'],
  ])('%s', (expression, words) => expect(scheduleInWords(expression)).toBe(words));
  it.each([
    ['0 6 * * 0', 'at 06:00 on Sunday'],
    ['0 6 * * 1-5', 'at 06:00 on Monday to Friday'],
    ['*/15 * * * *', 'every 15 minutes'],
    ['30 2 1 * mon', 'at 02:30 on day 1 of the month or on Monday'],
  ])('crontab %s', (expression, words) => expect(scheduleInWords(expression)).toBe(words));
  it.each(['zzz', '25:00', '2026-05-21 02:00', 'mon..', '', '02:00:30', '*-*~1'])('leaves alone %s', (expression) => expect(scheduleInWords(expression)).toBeNull());
});
