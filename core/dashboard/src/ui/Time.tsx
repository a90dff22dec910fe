// Times and byte counts with their exact form one hover, or one focus, away.
import { Tooltip } from '@mantine/core';

import { exactBytes, formatBytes } from '../format/bytes';
import { describeTime, formatAgo, formatTime, formatTimeAfter } from '../format/time';
import { useZone } from '../shell/zone';
import { useNow } from './now';

interface TimeProps {
  at: string;
  /** Writes how long it is past instead. */
  ago?: boolean;
  /** A time shown before it: what both share of the date is not repeated. */
  after?: string;
}

/** A point in time in the chosen zone. */
export function Time({ at, ago = false, after }: TimeProps) {
  const { zone } = useZone();
  const now = useNow();
  const title = describeTime(at, zone, now);
  return (
    <Tooltip label={title}>
      <time className="num" dateTime={at}>
        {ago ? formatAgo(now - Date.parse(at)) : after === undefined ? formatTime(at, zone) : formatTimeAfter(at, after, zone)}
      </time>
    </Tooltip>
  );
}

/** Bytes for people, exact in the tooltip. */
export function Bytes({ value }: { value: number }) {
  return (
    <Tooltip label={exactBytes(value)}>
      <data className="num" value={value}>
        {formatBytes(value)}
      </data>
    </Tooltip>
  );
}
