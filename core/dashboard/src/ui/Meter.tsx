// A share of something as a bar; the words beside it tell the same.
import classes from './Meter.module.css';

export function Meter({ part, label, low = false }: { part: number; label: string; low?: boolean }) {
  const percent = Math.min(100, Math.max(0, part * 100));
  return (
    <div className={classes.track} role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(percent)}>
      <div className={classes.bar} data-low={low || undefined} style={{ width: `${percent}%` }} />
    </div>
  );
}
