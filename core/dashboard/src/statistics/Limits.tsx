// The limits that are in force, which explain why something is slower than it could be.
import { Link } from '@tanstack/react-router';

import { useWorkers } from '../api/hub';
import { useProjects } from '../api/jobs';
import type { Datastore } from '../api/model';
import { Facts, type Fact } from '../ui/Facts';
import { Panel } from '../ui/Panel';

export function Limits({ datastores }: { datastores: Datastore[] }) {
  const { data: projects } = useProjects();
  const { data: workers } = useWorkers();
  const online = workers?.workers.filter((worker) => worker.state === 'online') ?? [];
  const slots = online.reduce((sum, worker) => sum + worker.slots, 0);
  const facts: Fact[] = [
    ['All workers', workers === undefined ? '…' : <span key="slots">{slots} {slots === 1 ? 'task' : 'tasks'} at once <small><Link to="/workers">on {online.length} {online.length === 1 ? 'worker' : 'workers'}</Link></small></span>],
    ...datastores.filter((each) => each.max_running != null).map((each): Fact => [`Datastore ${each.name}`, `${each.max_running ?? 0} ${each.max_running === 1 ? 'task' : 'tasks'} at once`]),
    ...(projects ?? []).filter((each) => each['max-running'] != null).map((each): Fact => [`Project ${each.name}`, `${each['max-running'] ?? 0} ${each['max-running'] === 1 ? 'task' : 'tasks'} at once`]),
  ];
  return <Panel title="Limits in force"><Facts facts={facts} /></Panel>;
}
