// A month by days: how many tasks ended how, what is planned, what was missed.
import { useZone } from '../shell/zone';
import classes from './calendar.module.css';
import { type DayEntry, emptyDay, missedJobs, STATES } from './collect';
import { DayCell } from './DayCell';
import { addDays, monthDays, monthName, startOf, WEEKDAYS } from './days';
import { stepByArrows } from './keys';

const SHOWN = { failed: 'FAILED', warning: 'WARNING', cancelled: 'CANCELLED', running: 'running', queued: 'queued', ok: 'OK' } as const;

interface MonthProps {
  day: string;
  today: string;
  entries: Map<string, DayEntry>;
  project?: string | undefined;
  /** Colours and numbers only, as beside other panels. */
  compact?: boolean;
}

export function Month({ day, today, entries, project, compact = false }: MonthProps) {
  const { zone } = useZone();
  const days = monthDays(day);
  const weeks = Array.from({ length: days.length / 7 }, (_, at) => days.slice(at * 7, at * 7 + 7));
  return (
    <table className={classes.month} data-compact={compact || undefined} aria-label={`${monthName(day)}, days of ${zone}`}>
      <thead><tr>{WEEKDAYS.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- steps between what can be focused */}
      <tbody onKeyDown={(event) => stepByArrows(event, 7)}>
        {weeks.map((week) => (
          <tr key={week[0]}>
            {week.map((each) => {
              const entry = entries.get(each) ?? emptyDay(each);
              return (
                <td key={each} data-other={each.slice(0, 7) !== day.slice(0, 7) || undefined} data-today={each === today || undefined}>
                  <DayCell entry={entry} since={startOf(each, zone)} until={startOf(addDays(each, 1), zone)} project={project}>
                    <span className={classes.number} aria-hidden>{Number(each.slice(8))}</span>
                    <Counts entry={entry} compact={compact} />
                  </DayCell>
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Counts({ entry, compact }: { entry: DayEntry; compact: boolean }) {
  const missed = missedJobs(entry);
  const lines = [
    ...STATES.flatMap((state) => (entry.counts[state] === 0 ? [] : [{ kind: state, text: `${entry.counts[state]} ${SHOWN[state]}` }])),
    ...(missed === 0 ? [] : [{ kind: 'missed', text: `${missed} ${missed === 1 ? 'job' : 'jobs'} missed` }]),
    ...(entry.planned.length === 0 ? [] : [{ kind: 'planned', text: `${entry.planned.length} planned` }]),
  ];
  return (
    <span className={compact ? classes.dots : classes.counts}>
      {lines.map(({ kind, text }) => <span key={kind} data-kind={kind}><span>{text} </span></span>)}
    </span>
  );
}
