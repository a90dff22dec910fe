// The panel of the task that the address names, over a page of another subject.
import { useNavigate, useSearch } from '@tanstack/react-router';

import { withParts } from '../format/search';
import { TaskPanel } from './TaskPanel';

export function TaskOverlay() {
  const { task } = useSearch({ strict: false });
  const navigate = useNavigate();
  if (task === undefined) return null;
  const close = () => void navigate({ to: '.', search: (search: Record<string, unknown>) => withParts(search, { task: undefined }), hash: '', resetScroll: false });
  return <TaskPanel key={task} upid={task} onClose={close} />;
}
