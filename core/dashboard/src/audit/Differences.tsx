// The difference of a change, line by line: what went and what came, told by signs as well as by colours.
import { useState } from 'react';

import { Time } from '../ui/Time';
import classes from './audit.module.css';
import { diffOf } from './diff';

/** More lines than these are shown when they are asked for. */
const SHOWN = 5;

export function Differences({ before, after }: { before: unknown; after: unknown }) {
  const [all, setAll] = useState(false);
  const lines = diffOf(before, after);
  if (lines.length === 0) return <span className={classes.none}>nothing that is shown</span>;
  const rest = all ? 0 : Math.max(0, lines.length - SHOWN);
  return (
    <div className={classes.diff}>
      <ul>
        {lines.slice(0, lines.length - rest).map((line, at) => (
          <li key={at}>
            {line.key !== '' && <b>{line.key}</b>}
            {line.before !== null && <del><span className={classes.said}>was </span><Value text={line.before} /></del>}
            {line.after !== null && <ins><span className={classes.said}>is </span><Value text={line.after} /></ins>}
            {line.before !== null && line.after === null && <span className={classes.said}>gone</span>}
          </li>
        ))}
      </ul>
      {rest > 0 && <button type="button" className={classes.rest} onClick={() => setAll(true)}>{rest} more</button>}
    </div>
  );
}

/** Times are shown in the zone of the pages, like all others. */
function Value({ text }: { text: string }) {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text) ? <Time at={text} /> : text;
}
