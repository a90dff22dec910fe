// The parts of a page that have addresses of their own, as a row of links.
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import classes from './Tabs.module.css';

export function Tabs({ label, children }: { label: string; children: ReactNode }) {
  return <nav className={classes.tabs} aria-label={label}>{children}</nav>;
}

/** How a tab looks; the link itself is written where its address is known. */
export const tab = {
  className: classes.tab,
  activeOptions: { exact: false, includeSearch: false },
} satisfies Partial<React.ComponentProps<typeof Link>>;
