// The foot of a list that comes page by page: asking for the next one, and why it did not come.
import { Button } from '@mantine/core';

import { formatCount } from '../format/bytes';
import classes from './More.module.css';
import { Failure } from './Panel';

interface MoreProps {
  /** What the list's hook answers. */
  list: {
    hasNextPage: boolean;
    isFetchingNextPage: boolean;
    isFetchNextPageError: boolean;
    error: Error | null;
    fetchNextPage: () => Promise<unknown>;
  };
  /** How many are not shown yet, where that is known. */
  left?: number;
}

export function More({ list, left }: MoreProps) {
  return (
    <>
      {list.hasNextPage && (
        <div className={classes.more}>
          <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Load more{left !== undefined && left > 0 && ` (${formatCount(left)} left)`}
          </Button>
        </div>
      )}
      {list.isFetchNextPageError && list.error !== null && <Failure error={list.error} />}
    </>
  );
}
