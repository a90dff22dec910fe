// When the job in the editor would run, asked of the hub while it is typed.
import { ApiError } from '../api/client';
import { usePlannedRuns } from '../api/plans';
import { useZone } from '../shell/zone';
import type { Draft } from './draft';
import classes from './editor.module.css';
import { NextRuns } from './JobParts';
import { afterRuns, runsOf } from './plan';

export function RunsPreview({ draft }: { draft: Draft }) {
  const { zone } = useZone();
  const { data, error, asked, isFetching } = usePlannedRuns(runsOf(draft));
  if (!asked) return null;
  const faults = error instanceof ApiError && error.faults.length > 0 ? error.faults.map(({ key, detail }) => `${key.replace(/^job\.?/, '')}: ${detail}`) : error === null ? [] : [error.message];
  const after = data === undefined ? null : afterRuns(data);
  return (
    <section className={classes.plan} aria-label="Next runs as typed" aria-busy={isFetching}>
      <h3>Would run next <small>{!draft.enabled && 'if it were enabled, '}in {zone}</small></h3>
      {faults.map((fault) => <p key={fault} className={classes.fault} role="status">{fault}</p>)}
      {error === null && data !== undefined && <div className={classes.planned}><NextRuns runs={data.runs} /></div>}
      {error === null && after !== null && <p className={classes.words}>{after}</p>}
      {error === null && data === undefined && <p className={classes.words}>The hub is asked.</p>}
    </section>
  );
}
