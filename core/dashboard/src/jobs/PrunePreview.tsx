// What the retention rules in the editor would keep and remove now, snapshot by snapshot, with the reason of each.
import { useState } from 'react';

import type { PlannedSnapshot } from '../api/model';
import { usePlannedPrune } from '../api/plans';
import { formatCount } from '../format/bytes';
import { type Column, DataTable } from '../ui/DataTable';
import { Segments } from '../ui/Segments';
import { Tag } from '../ui/Tag';
import { Time } from '../ui/Time';
import type { Draft } from './draft';
import classes from './editor.module.css';
import { pruneOf, WHY, workloadOf } from './plan';

const COLUMNS: Column<PlannedSnapshot>[] = [
  { id: 'snapshot', head: 'Workload', lead: true, cell: ({ snapshot }) => workloadOf(snapshot) },
  { id: 'time', head: 'Made', cell: ({ time }) => <Time at={time} /> },
  { id: 'kept', head: 'Would', width: '7rem', cell: ({ kept }) => <Tag kind={kept ? 'ok' : 'failed'}>{kept ? 'stay' : 'go'}</Tag> },
  { id: 'why', head: 'Because', cell: ({ why }) => WHY[why] },
];
type Shown = 'all' | 'go' | 'stay';

export function PrunePreview({ draft }: { draft: Draft }) {
  const { data, error, asked, isFetching } = usePlannedPrune(pruneOf(draft));
  const [shown, setShown] = useState<Shown>('all');
  const rows = data?.snapshots.filter(({ kept }) => shown === 'all' || kept === (shown === 'stay')) ?? [];
  return (
    <section className={classes.plan} aria-label="What would be removed" aria-busy={isFetching}>
      <h3>Would do now</h3>
      {!asked && <p className={classes.words}>Choose a datastore to see which of its snapshots would stay.</p>}
      {asked && error !== null && <p className={classes.fault} role="status">{error.message}</p>}
      {asked && error === null && data === undefined && <p className={classes.words}>The hub is asked.</p>}
      {asked && error === null && data !== undefined && (
        <>
          <div className={classes.sum}>
            <p role="status"><strong>{formatCount(data.kept)}</strong> would stay, <strong>{formatCount(data.removed)}</strong> would go.{data.left_alone.length > 0 && ` ${formatCount(data.left_alone.length)} with a damaged manifest would be left alone.`}</p>
            <Segments label="Which snapshots" value={shown} options={[{ value: 'all', label: 'All' }, { value: 'go', label: 'Would go' }, { value: 'stay', label: 'Would stay' }]} onChange={setShown} />
          </div>
          {rows.length > 0 && (
            // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls by itself, also with the keyboard
            <div className={classes.list} tabIndex={0} role="region" aria-label="Planned snapshots">
              <DataTable label="Snapshots as planned" columns={COLUMNS} rows={rows} rowKey={({ snapshot }) => snapshot} cardsBelow="narrow" />
            </div>
          )}
          {data.snapshots.length < data.kept + data.removed && <p className={classes.words}>The first {formatCount(data.snapshots.length)} are listed.</p>}
        </>
      )}
    </section>
  );
}
