// A page that the hub would not answer for everybody: says so, rather than that something failed.
import { IconLock } from '@tabler/icons-react';
import type { ReactNode } from 'react';

import type { Right } from '../api/model';
import { useRefusal } from '../api/rights';
import { Empty } from './Panel';

export function OnlyWith({ right, children }: { right: Right; children: ReactNode }) {
  const why = useRefusal(right);
  return why === null ? children : <Empty icon={<IconLock size={21} stroke={1.7} />} title="This is not for you to see">{why}</Empty>;
}
