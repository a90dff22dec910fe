// The event matrix of a group: event types beside handlers. Whoever may declare groups changes it here: the change is tried
// first, and what it would do is shown before it is done.
import { Button } from '@mantine/core';
import { IconDeviceFloppy, IconEdit } from '@tabler/icons-react';
import { useState } from 'react';

import type { ApplyAnswer, Group } from '../api/model';
import { fetchGroup, useApply } from '../api/notifications';
import { refusal, useSession } from '../api/rights';
import { Ask } from '../ui/Ask';
import { Panel } from '../ui/Panel';
import { tellDone, Trouble } from '../ui/Trouble';
import { changedMeanwhile, changedTypes, type Matrix, sameMatrix } from './matrix';
import classes from './MatrixEditor.module.css';
import { MatrixTable } from './MatrixTable';
import { lowerFirst } from './words';

interface Draft {
  /** The group as it was when the editing began. */
  read: Group;
  matrix: Matrix;
}

export function MatrixEditor({ group }: { group: Group }) {
  const session = useSession();
  const apply = useApply();
  const [draft, setDraft] = useState<Draft | null>(null);
  const [tried, setTried] = useState<ApplyAnswer | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const handlers = group.handler ?? [];
  if (handlers.length === 0) return null;
  const denied = refusal(session, 'configure');
  const matrix = draft?.matrix ?? group.matrix ?? {};
  const changed = draft === null ? [] : changedTypes(draft.read.matrix ?? {}, draft.matrix);

  const leave = () => {
    setDraft(null);
    setTried(null);
    setError(null);
  };
  /** Tries or does it; what somebody else declared since the editing began is not written over. */
  const declare = async (dryRun: boolean) => {
    if (draft === null) return;
    setBusy(true);
    setError(null);
    try {
      const now = await fetchGroup(group.project, group.name);
      if (changedMeanwhile(draft.read, now)) {
        throw new Error('Somebody declared this group anew while you were editing. Your changes are still here: note them, leave the editor, and make them again on what is declared now.');
      }
      const answer = await apply.mutateAsync({ declared: { group: [{ ...now, matrix: draft.matrix }] }, dryRun });
      if (dryRun) setTried(answer);
      else {
        leave();
        tellDone('The matrix is declared', answer.changed.length === 0 ? 'It was so already.' : answer.changed.join(', '));
      }
    } catch (cause) {
      setError(cause instanceof Error ? cause : new Error(String(cause)));
    } finally {
      setBusy(false);
    }
  };

  const tools = draft === null ? (
    <Button size="xs" variant="default" disabled={denied !== null} title={denied ?? undefined} leftSection={<IconEdit size={15} stroke={1.8} />} onClick={() => setDraft({ read: group, matrix: group.matrix ?? {} })}>
      Edit the matrix
    </Button>
  ) : (
    <span className={classes.tools}>
      <Button size="xs" variant="default" onClick={leave}>Discard</Button>
      <Button size="xs" loading={busy && tried === null} disabled={sameMatrix(draft.read.matrix ?? {}, draft.matrix)} leftSection={<IconDeviceFloppy size={15} stroke={1.8} />} onClick={() => void declare(true)}>
        Review changes{changed.length > 0 && ` (${changed.length})`}
      </Button>
    </span>
  );

  return (
    <Panel title="Event matrix" flush side={tools}>
      <p className={classes.note}>
        For a type with a row of its own exactly the marked handlers are told; for others a handler’s own event types decide, else the default rule.
        Rules come before, and the rest of a handler’s filter has the last word.{denied !== null && ` To change it: ${lowerFirst(denied)}`}
      </p>
      {tried === null && error !== null && <div className={classes.pad}><Trouble error={error} /></div>}
      <MatrixTable matrix={matrix} handlers={handlers} {...(draft === null ? {} : { changed, onChange: (next: Matrix) => setDraft({ ...draft, matrix: next }) })} />
      {tried !== null && (
        <Ask
          title="Declare the matrix" confirm="Declare it" busy={busy} error={error}
          onConfirm={() => void declare(false)} onClose={() => { setTried(null); setError(null); }}
        >
          <p>The hub tried it and found no fault. {tried.changed.length === 0 ? 'Nothing would change.' : `It would change ${tried.changed.join(', ')}:`}</p>
          <ul className={classes.changes}>
            {changed.map((type) => {
              const row = draft?.matrix[`ironcore.${type}`];
              return <li key={type}><code>{type}</code>: {row === undefined ? 'no row of its own any more' : row.length === 0 ? 'tells nobody' : `tells ${row.join(', ')}`}</li>;
            })}
          </ul>
          <p>It counts from the next event on. Messages that were made before are delivered.</p>
        </Ask>
      )}
    </Panel>
  );
}
