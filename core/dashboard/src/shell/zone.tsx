// The time zone in which the pages write times: this browser's, or UTC. Kept for the next visit.
import { useLocalStorage } from '@mantine/hooks';
import { createContext, type ReactNode, use } from 'react';

import { browserZone } from '../format/time';

interface Zone {
  zone: string;
  choice: 'local' | 'utc';
  choose: (choice: 'local' | 'utc') => void;
}

const ZoneContext = createContext<Zone>({ zone: 'UTC', choice: 'utc', choose: () => undefined });

export function useZone(): Zone {
  return use(ZoneContext);
}

export function ZoneProvider({ children }: { children: ReactNode }) {
  const [choice, choose] = useLocalStorage<'local' | 'utc'>({
    key: 'ironcore.zone',
    defaultValue: 'local',
    getInitialValueInEffect: false,
    deserialize: (text) => (text === '"utc"' ? 'utc' : 'local'),
  });
  const zone = choice === 'utc' ? 'UTC' : browserZone();
  return <ZoneContext value={{ zone, choice, choose }}>{children}</ZoneContext>;
}
