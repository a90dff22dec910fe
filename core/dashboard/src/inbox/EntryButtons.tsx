// The buttons of an entry: what can be done with one click, what was done, by whom, and the task that came of it.
import { Button } from '@mantine/core';
import {
  IconCheck, IconDatabaseImport, IconPlayerPause, IconRecycle, IconRefresh, IconReload, IconShieldCheck, IconUserCheck,
} from '@tabler/icons-react';
import { useState } from 'react';

import { useAct } from '../api/inbox';
import type { EntryButton, InboxEntry, Right } from '../api/model';
import { refusal, useSession } from '../api/rights';
import { Ask } from '../ui/Ask';
import { TaskRef } from '../ui/TaskRef';
import { Time } from '../ui/Time';
import { tellDone, Trouble } from '../ui/Trouble';
import classes from './EntryButtons.module.css';

interface Kind {
  sign: typeof IconCheck;
  needs: Right;
  /** Asked before it is done: what will happen. */
  ask?: string;
}

const KINDS: Partial<Record<string, Kind>> = {
  acknowledge: { sign: IconUserCheck, needs: 'acknowledge' },
  verify: { sign: IconShieldCheck, needs: 'verify' },
  retry: { sign: IconReload, needs: 'run-jobs' },
  'full-backup': { sign: IconDatabaseImport, needs: 'run-jobs', ask: 'A backup is started that reads every file again. It takes as long as a first backup.' },
  gc: { sign: IconRecycle, needs: 'collect-garbage', ask: 'A garbage collection is started. It deletes the chunks that no snapshot needs, for good.' },
  resync: { sign: IconRefresh, needs: 'sync', ask: 'A sync is started that copies from the other datastore what is missing here.' },
  'pause-job': { sign: IconPlayerPause, needs: 'pause-jobs', ask: 'The job is paused: no run of it begins by itself until somebody resumes it.' },
};

const keyOf = (button: EntryButton) => `${button.kind} ${button.target}`;

export function EntryButtons({ entry }: { entry: InboxEntry }) {
  const session = useSession();
  const act = useAct();
  const [asked, setAsked] = useState<EntryButton | null>(null);
  if (entry.buttons.length === 0) return null;
  const open = entry.buttons.filter((button) => button.done == null);
  const done = entry.buttons.filter((button) => button.done != null);
  const reasons = [...new Set(open.map((button) => refusal(session, KINDS[button.kind]?.needs ?? 'take-actions')).filter((each) => each !== null))];

  const use = (button: EntryButton) =>
    act.mutate({ seq: entry.seq, kind: button.kind, target: button.target }, {
      onSuccess: (answer) => {
        setAsked(null);
        if (answer.new) tellDone(button.kind === 'acknowledge' ? 'Acknowledged' : `Done: ${button.label}`, answer.upid == null ? '' : 'A task was started; the entry links to it.');
        else tellDone('Somebody did this before', 'Nothing was done now.');
      },
    });

  return (
    <div className={classes.box}>
      {open.length > 0 && (
        <div className={classes.buttons}>
          {open.map((button) => {
            const kind = KINDS[button.kind];
            const Sign = kind?.sign ?? IconCheck;
            return (
              <Button
                key={keyOf(button)}
                size="xs"
                variant={button.kind === 'acknowledge' ? 'filled' : 'default'}
                disabled={refusal(session, kind?.needs ?? 'take-actions') !== null}
                loading={act.isPending && act.variables.kind === button.kind && act.variables.target === button.target}
                leftSection={<Sign size={15} stroke={1.9} />}
                title={button.kind === 'acknowledge' ? 'Tells everybody that you see to it' : `${button.kind} ${button.target}`}
                onClick={() => (kind?.ask === undefined ? use(button) : setAsked(button))}
              >
                {button.label}
              </Button>
            );
          })}
        </div>
      )}
      {reasons.map((reason) => <p key={reason} className={classes.note}>{reason}</p>)}
      {asked === null && <Trouble error={act.error} />}
      {done.length > 0 && (
        <ul className={classes.done} aria-label="Done">
          {done.map((button) => (
            <li key={keyOf(button)}>
              <IconCheck size={15} stroke={2.4} aria-hidden />
              <span>
                {button.label}: {button.done?.user}, <Time at={button.done?.time ?? entry.event.time} ago />
                {button.done?.upid != null && <> · <TaskRef upid={button.done.upid} /></>}
              </span>
            </li>
          ))}
        </ul>
      )}
      {asked !== null && (
        <Ask title={asked.label} confirm={asked.label} busy={act.isPending} error={act.error} onConfirm={() => use(asked)} onClose={() => { setAsked(null); act.reset(); }}>
          <p>{KINDS[asked.kind]?.ask}</p>
          <p><code>{asked.target}</code></p>
        </Ask>
      )}
    </div>
  );
}
