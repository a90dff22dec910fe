// A task by its number, as a link to its page.
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { shortUpid } from '../format/upid';

export function TaskRef({ upid, children }: { upid: string; children?: ReactNode }) {
  return <Link to="/tasks/$upid" params={{ upid }} search={{}} title={upid}>{children ?? <>task <code>{shortUpid(upid)}</code></>}</Link>;
}
