// The small tools at the right of the header.
import { ActionIcon, Button, Menu, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconMoon, IconSun, IconWorld } from '@tabler/icons-react';

import { useStreamState } from '../api/live';
import { browserZone, offsetOf } from '../format/time';
import { useNow } from '../ui/now';
import classes from './Shell.module.css';
import { useZone } from './zone';

const NEWS = {
  live: ['Live', 'News arrives as it happens'],
  polling: ['Every 5 s', 'The event stream is interrupted; asking every 5 seconds'],
  connecting: ['Connecting', 'Connecting to the event stream'],
  closed: ['Off', 'Not connected'],
} as const;

export function LiveSign() {
  const state = useStreamState();
  const [word, title] = NEWS[state];
  return (
    <Tooltip label={title}>
      <span className={classes.live} data-state={state} role="status" aria-label={title}>
        <i aria-hidden />
        <span>{word}</span>
      </span>
    </Tooltip>
  );
}

export function ZoneMenu() {
  const { zone, choice, choose } = useZone();
  const now = new Date(useNow());
  const local = browserZone();
  const name = (each: string) => (each === 'UTC' ? 'UTC' : `${each.replaceAll('_', ' ')} (UTC${offsetOf(now, each)})`);
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button variant="subtle" color="gray" size="compact-sm" className={classes.tool} leftSection={<IconWorld size={16} stroke={1.7} />} aria-label={`Time zone: ${name(zone)}`}>
          <span className={classes.zoneText}>{name(zone)}</span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Times are shown in</Menu.Label>
        <Menu.RadioGroup value={choice} onChange={(value) => choose(value === 'utc' ? 'utc' : 'local')}>
          <Menu.RadioItem value="local">This browser’s zone, {name(local)}</Menu.RadioItem>
          <Menu.RadioItem value="utc">UTC</Menu.RadioItem>
        </Menu.RadioGroup>
      </Menu.Dropdown>
    </Menu>
  );
}

export function ColorSchemeButton() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const label = scheme === 'dark' ? 'Use light colours' : 'Use dark colours';
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={label} onClick={() => setColorScheme(scheme === 'dark' ? 'light' : 'dark')}>
        {scheme === 'dark' ? <IconSun size={18} stroke={1.7} /> : <IconMoon size={18} stroke={1.7} />}
      </ActionIcon>
    </Tooltip>
  );
}
