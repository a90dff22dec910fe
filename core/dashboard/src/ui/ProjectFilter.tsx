// The filter by project, for who sees more than one. It stands there before the projects are known, so that nothing moves then.
import { useProjectNames } from '../api/notifications';
import { useSession } from '../api/rights';
import { OneFilter } from './OneFilter';

interface ProjectFilterProps {
  /** What it says when none is chosen. */
  any: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

export function ProjectFilter({ any, value, onChange }: ProjectFilterProps) {
  const session = useSession();
  const projects = useProjectNames();
  if (session?.project != null) return null;
  return <OneFilter label="Project" any={any} options={projects} value={value} onChange={onChange} />;
}
