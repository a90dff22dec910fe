// A task's type: the word, with a sign that helps the eye down a column.
import {
  IconArrowBackUp, IconArrowsLeftRight, IconCut, IconDatabaseImport, IconDeviceAudioTape, IconRecycle, IconShieldCheck,
} from '@tabler/icons-react';

import type { TaskType } from '../api/model';
import classes from './TypeLabel.module.css';

const SIGNS: Record<TaskType, typeof IconCut> = {
  backup: IconDatabaseImport,
  restore: IconArrowBackUp,
  sync: IconArrowsLeftRight,
  verify: IconShieldCheck,
  gc: IconRecycle,
  prune: IconCut,
  tape: IconDeviceAudioTape,
};

export function TypeLabel({ type }: { type: TaskType }) {
  const Sign = SIGNS[type] as typeof IconCut | undefined;
  return (
    <span className={classes.type}>
      {Sign !== undefined && <Sign size={16} stroke={1.7} aria-hidden />}
      {type}
    </span>
  );
}
