// The notification groups, each with its handlers and what is wrong with them.
import { Link } from '@tanstack/react-router';
import { IconBellPlus, IconUsersGroup } from '@tabler/icons-react';

import type { FailingHandler, Group, Handler } from '../api/model';
import { HUB, useGroups } from '../api/notifications';
import { CommandLine } from '../ui/Copy';
import { Empty, Failure, Loading } from '../ui/Panel';
import { Tag } from '../ui/Severity';
import classes from './GroupsTab.module.css';

/** What is wrong with a handler, if anything is. */
export function failureOf(failing: readonly FailingHandler[], group: Group, handler: Handler): FailingHandler | undefined {
  return failing.find((each) => each.handler === handler.name && each.group === group.name && (each.project ?? null) === (group.project ?? null));
}

export function HandlerState({ handler, failure }: { handler: Handler; failure: FailingHandler | undefined }) {
  if (handler.enabled === false) return <Tag>off</Tag>;
  if (failure?.disabled != null) return <Tag kind="failed">switched off</Tag>;
  if (failure !== undefined) return <Tag kind="warning">failing</Tag>;
  return <Tag kind="ok">on</Tag>;
}

export function GroupsTab() {
  const { data, error, refetch } = useGroups();
  if (data === undefined) return error === null ? <Loading rows={4} height={72} /> : <Failure error={error} retry={() => void refetch()} />;
  return (
    <>
      {data.groups.length === 0 ? (
        <div className={classes.card}>
          <Empty icon={<IconBellPlus size={21} stroke={1.7} />} title="Nobody is told of anything outside of the inbox">
            Declare a group with handlers, and name it in jobs: <code>ironcore-backup apply --file FILE</code>
          </Empty>
        </div>
      ) : (
        <ul className={classes.groups}>
          {data.groups.map((group) => <li key={`${group.project ?? ''}/${group.name}`}><GroupCard group={group} failing={data.failing} /></li>)}
        </ul>
      )}
      <CommandLine command="ironcore-backup group list" />
    </>
  );
}

function GroupCard({ group, failing }: { group: Group; failing: readonly FailingHandler[] }) {
  const handlers = group.handler ?? [];
  return (
    <section className={classes.card} aria-label={`Group ${group.name}`}>
      <div className={classes.head}>
        <IconUsersGroup size={18} stroke={1.7} aria-hidden />
        <h2>
          <Link to="/notifications/groups/$project/$name" params={{ project: group.project ?? HUB, name: group.name }} search={{}}>{group.name}</Link>
        </h2>
        <span className={classes.project}>{group.project ?? 'of the hub'}</span>
      </div>
      {group.comment != null && <p className={classes.comment}>{group.comment}</p>}
      {handlers.length === 0 ? <p className={classes.comment}>It has no handlers, so nobody is told.</p> : (
        <ul className={classes.handlers}>
          {handlers.map((handler) => (
            <li key={handler.name}>
              <span>{handler.name}</span>
              <small>{handler.plugin}{handler.template != null && `, ${handler.template}`}</small>
              <HandlerState handler={handler} failure={failureOf(failing, group, handler)} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
