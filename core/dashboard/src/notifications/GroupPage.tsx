// One group: its handlers, its rules, and the event matrix; tests and previews of what would be sent.
import { Button } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { IconArrowLeft, IconSend, IconUsersGroup } from '@tabler/icons-react';
import { useState } from 'react';

import type { Group } from '../api/model';
import { HUB, useGroups } from '../api/notifications';
import { refusal, useSession } from '../api/rights';
import { Empty, Failure, Loading, Panel } from '../ui/Panel';
import { Tag } from '../ui/Severity';
import classes from './GroupPage.module.css';
import { failureOf } from './GroupsTab';
import { HandlerCard } from './HandlerCard';
import { MatrixEditor } from './MatrixEditor';
import { PreviewPanel } from './PreviewPanel';
import { TestPanel } from './TestPanel';
import { filterInWords, lowerFirst, tellInWords, thenInWords } from './words';

const route = getRouteApi('/notifications/groups/$project/$name');

export function GroupPage() {
  const { project, name } = route.useParams();
  const { preview, event } = route.useSearch();
  const navigate = useNavigate();
  const session = useSession();
  const { data, error, refetch } = useGroups();
  const [tested, setTested] = useState<string | null | undefined>(undefined);
  const group = data?.groups.find((each) => each.name === name && (each.project ?? HUB) === project);

  if (data === undefined) return error === null ? <Loading rows={6} height={64} /> : <Failure error={error} retry={() => void refetch()} />;
  if (group === undefined) {
    return <Empty icon={<IconUsersGroup size={21} stroke={1.7} />} title="There is no such group"><Link to="/notifications" className={classes.back}>All groups</Link></Empty>;
  }
  const handlers = group.handler ?? [];
  const denied = refusal(session, 'test-handlers');
  const show = (search: { preview?: string; event?: string }) =>
    void navigate({ to: '/notifications/groups/$project/$name', params: { project, name }, search, resetScroll: false });

  return (
    <>
      <div className={classes.top}>
        <Link to="/notifications" className={classes.back}><IconArrowLeft size={15} aria-hidden /> All groups</Link>
        <h2>{group.name}</h2>
        <span className={classes.project}>{group.project ?? 'of the hub'}</span>
        {group.comment != null && <span className={classes.project}>{group.comment}</span>}
        <Button className={classes.test ?? ''} size="xs" variant="default" disabled={denied !== null || handlers.length === 0} title={denied ?? undefined} leftSection={<IconSend size={15} stroke={1.8} />} onClick={() => setTested(null)}>
          Test every handler
        </Button>
      </div>
      {denied !== null && <p className={classes.note}>To test and to preview handlers: {lowerFirst(denied)}</p>}
      <div className={classes.stack}>
        <Panel title="Handlers" count={handlers.length} flush>
          {handlers.length === 0 ? <Empty icon={<IconSend size={21} stroke={1.7} />} title="It has no handlers">Nobody is told. Declare some with <code>ironcore-backup apply</code>.</Empty> : (
            <ul className={classes.handlers}>
              {handlers.map((handler) => (
                <li key={handler.name}>
                  <HandlerCard group={group} handler={handler} failure={failureOf(data.failing, group, handler)} onTest={() => setTested(handler.name)} onPreview={() => show({ preview: handler.name })} />
                </li>
              ))}
            </ul>
          )}
        </Panel>
        <Panel title="Rules" count={group.rule?.length}><Rules group={group} /></Panel>
        {/* Read anew with each other group; what somebody else declares meanwhile is noticed when it is saved. */}
        <MatrixEditor key={`${project}/${name}`} group={group} />
      </div>
      {tested !== undefined && <TestPanel group={group} handler={tested} onClose={() => setTested(undefined)} />}
      {preview !== undefined && (
        <PreviewPanel
          key={preview} address={{ project: group.project, group: group.name, handler: preview }} event={event}
          onEvent={(next) => show({ preview, ...(next === undefined ? {} : { event: next }) })} onClose={() => show({})}
        />
      )}
    </>
  );
}

function Rules({ group }: { group: Group }) {
  const rules = group.rule ?? [];
  const { actions, sources } = group;
  return (
    <div className={classes.rules}>
      {rules.length === 0 ? <p>There are no rules: the matrix below decides, then the default rule.</p> : (
        <ol>
          {rules.map((rule, at) => {
            const parts = filterInWords(rule.when);
            return (
              <li key={at}>
                {rule.name != null && <strong>{rule.name}: </strong>}
                {parts.length === 0 ? 'every event' : parts.map((part) => <Tag key={part}>{part}</Tag>)}{' '}
                <span>{tellInWords(rule)}, {thenInWords(rule)}</span>
              </li>
            );
          })}
        </ol>
      )}
      {sources !== undefined && sources.length > 0 && <p>Beside the jobs and datastores that name it, the group listens to {sources.map((source) => <Tag key={source}>{source}</Tag>)}</p>}
      {actions != null && (
        <p>
          Actions that tips offer: {actions.policy === 'auto' ? `the hub takes those of kind ${(actions.kinds ?? []).join(', ')} by itself; the rest waits for a person` : actions.policy === 'suggest' ? 'only suggested, no button takes them' : 'taken by a person'}.
        </p>
      )}
    </div>
  );
}
