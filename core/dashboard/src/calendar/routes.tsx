// The address of the calendar.
import { createRoute, lazyRouteComponent } from '@tanstack/react-router';

import { oneOf, readTexts } from '../format/search';
import type { Root } from '../router';

export const VIEWS = ['month', 'week', 'heat'] as const;
export type View = (typeof VIEWS)[number];

export interface CalendarSearch {
  view?: View;
  /** Any day of the month or week that is shown, `2026-05-21`. */
  day?: string;
  project?: string;
  task?: string;
}

export function readCalendarSearch(search: Record<string, unknown>): CalendarSearch {
  const { day, ...texts } = readTexts(search, ['day', 'project', 'task']);
  const view = oneOf(search.view, VIEWS);
  return {
    ...texts,
    ...(day !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(Date.parse(day)) ? { day } : {}),
    ...(view === undefined || view === 'month' ? {} : { view }),
  };
}

export function calendarRoutes(root: Root) {
  return [
    createRoute({
      getParentRoute: () => root,
      path: '/calendar',
      validateSearch: readCalendarSearch,
      component: lazyRouteComponent(() => import('./CalendarPage'), 'CalendarPage'),
    }),
  ] as const;
}
