// The result of a snapshot's last verification, as a word with a sign.
import { IconAlertTriangle, IconClock, IconLock, IconMinus, IconShieldCheck, IconShieldX } from '@tabler/icons-react';

import type { Snapshot, VerifyResult } from '../api/model';
import { Tag } from '../ui/Tag';

const KINDS = { OK: 'ok', STALE: 'warning', CORRUPT: 'failed', MISSING: 'failed' } as const;
const SIGNS = { OK: IconShieldCheck, STALE: IconClock, CORRUPT: IconShieldX, MISSING: IconShieldX } as const;

export function VerifyBadge({ result }: { result: VerifyResult | null | undefined }) {
  if (result == null) return <Tag><IconMinus size={13} stroke={2.2} aria-hidden />not verified</Tag>;
  const Sign = SIGNS[result];
  return <Tag kind={KINDS[result]}><Sign size={13} stroke={2.2} aria-hidden />{result}</Tag>;
}

/** What else must be known of a snapshot at a glance. */
export function SnapshotMarks({ snapshot }: { snapshot: Snapshot }) {
  return (
    <>
      {!snapshot.readable && <Tag kind="failed"><IconAlertTriangle size={13} aria-hidden />manifest unreadable</Tag>}
      {snapshot.readable && !snapshot.trusted && <Tag kind="warning"><IconAlertTriangle size={13} aria-hidden />signature not trusted</Tag>}
      {snapshot.protected && <Tag><IconLock size={13} aria-hidden />protected</Tag>}
    </>
  );
}
