// A panel over the right side of a page, with a heading and tools that stay in sight.
import { Drawer } from '@mantine/core';
import { IconLink, IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';

import { CopyButton } from './Copy';
import { useReturnFocus } from './focus';
import classes from './SidePanel.module.css';

interface SidePanelProps {
  title: ReactNode;
  /** Beside the title, such as a state. */
  badge?: ReactNode;
  tools?: ReactNode;
  /** The path that leads here from anywhere, such as a ticket. */
  path?: string;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
}

export function SidePanel({ title, badge, tools, path, onClose, children, wide = false }: SidePanelProps) {
  useReturnFocus();
  return (
    <Drawer.Root classNames={{ content: classes.panel ?? '' }} opened onClose={onClose} position="right" size={`min(${wide ? 60 : 48}rem, 100vw)`} transitionProps={{ duration: 120 }}>
      <Drawer.Overlay backgroundOpacity={0.35} />
      <Drawer.Content>
        <div className={classes.header}>
          <div className={classes.headline}>
            <Drawer.Title className={classes.title}>{title}</Drawer.Title>
            {badge}
          </div>
          <div className={classes.tools}>
            {tools}
            {path !== undefined && <CopyButton value={`${window.location.origin}${path}`} what="link" icon={<IconLink size={16} />} />}
            <Drawer.CloseButton data-autofocus aria-label="Close" icon={<IconX size={19} stroke={1.8} />} />
          </div>
        </div>
        <Drawer.Body className={classes.body}>{children}</Drawer.Body>
      </Drawer.Content>
    </Drawer.Root>
  );
}

/** A part of a panel or page under a small heading. */
export function Section({ title, side, children }: { title: string; side?: ReactNode; children: ReactNode }) {
  return (
    <section className={classes.section} aria-label={title}>
      <div className={classes.sectionHead}>
        <h3>{title}</h3>
        {side}
      </div>
      {children}
    </section>
  );
}

/** Pairs of a name and a value; those without a value are left out. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className={classes.facts}>
      {facts.filter(([, value]) => value != null && value !== '').map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
