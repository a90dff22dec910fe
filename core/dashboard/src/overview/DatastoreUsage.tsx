// How full each datastore is, what deduplication makes of it, and when it will be full.
import { Link } from '@tanstack/react-router';
import { IconDatabase } from '@tabler/icons-react';

import { useDatastores, useUsages } from '../api/datastores';
import { Fill, Room } from '../datastores/Room';
import { dedupOf, formatRatio } from '../datastores/words';
import { Empty, Failure, Loading, Panel } from '../ui/Panel';
import { Tag } from '../ui/Tag';
import page from '../ui/Page.module.css';
import classes from './overview.module.css';

/** More are on their own page. */
const SHOWN = 6;

export function DatastoreUsage() {
  const { data, error, refetch } = useDatastores();
  const shown = data?.slice(0, SHOWN) ?? [];
  const usages = useUsages(shown.map(({ name }) => name));
  return (
    <Panel title="Datastore usage" side={<Link to="/datastores" className={page.link}>All datastores</Link>}>
      {data === undefined && (error === null ? <Loading rows={4} height={30} /> : <Failure error={error} retry={() => void refetch()} />)}
      {data?.length === 0 && <Empty icon={<IconDatabase size={21} stroke={1.7} />} title="There are no datastores yet">An administrator makes the first one.</Empty>}
      <ul className={classes.stores}>
        {shown.map((datastore) => {
          const dedup = dedupOf(datastore);
          return (
            <li key={datastore.name}>
              <div className={classes.store}>
                <Link to="/datastores/$name" params={{ name: datastore.name }}>{datastore.name}</Link>
                {!datastore.online && <Tag kind="failed">offline</Tag>}
              </div>
              <Room datastore={datastore} />
              <dl>
                <div><dt>Dedup ratio</dt><dd>{dedup === null ? 'not known' : formatRatio(dedup)}</dd></div>
                <div><dt>Projected full</dt><dd><Fill usage={usages.get(datastore.name)} /></dd></div>
              </dl>
            </li>
          );
        })}
      </ul>
      {data !== undefined && data.length > SHOWN && <Link to="/datastores" className={page.link}>{data.length - SHOWN} more</Link>}
    </Panel>
  );
}
