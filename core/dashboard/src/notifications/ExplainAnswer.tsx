// The answer: handlers that are told first, each with what decides and when it hears; then the others with what stops them.
import { Link } from '@tanstack/react-router';
import { IconCheck, IconMinus } from '@tabler/icons-react';

import { type ExplainAnswer, type ExplainedHandler, shortType } from '../api/model';
import { HUB } from '../api/notifications';
import { Empty, Panel } from '../ui/Panel';
import { SeverityBadge, Tag } from '../ui/Severity';
import { Time } from '../ui/Time';
import classes from './ExplainTab.module.css';

const HOW: Record<string, string> = {
  'at-once': 'at once',
  digest: 'with its digest',
  'quiet-hours': 'after its quiet hours',
  limit: 'when its limit allows',
  incident: 'with an incident',
};

export function ExplainAnswerView({ answer, madeUp }: { answer: ExplainAnswer; madeUp: boolean }) {
  const told = answer.handlers.filter((handler) => handler.told);
  const others = answer.handlers.filter((handler) => !handler.told);
  const { event } = answer;
  return (
    <>
      <p className={classes.event}>
        <SeverityBadge severity={event.data.severity} /> <code>{shortType(event.type)}</code> {madeUp ? 'made up: ' : ''}{event.data.title}
      </p>
      {answer.handlers.length === 0 && <Empty icon={<IconMinus size={21} />} title="There is no handler that could be told">Declare a group with handlers, and name it in jobs.</Empty>}
      {told.length > 0 && <Panel title="Told" count={told.length} flush><ul className={classes.rows}>{told.map((handler) => <Row key={keyOf(handler)} handler={handler} />)}</ul></Panel>}
      {others.length > 0 && <Panel title="Not told" count={others.length} flush><ul className={classes.rows}>{others.map((handler) => <Row key={keyOf(handler)} handler={handler} />)}</ul></Panel>}
    </>
  );
}

const keyOf = (handler: ExplainedHandler) => `${handler.project ?? ''}/${handler.group}/${handler.handler}`;

function Row({ handler }: { handler: ExplainedHandler }) {
  const { when, incident } = handler;
  // That it goes at once stands in the words before.
  const later = (when != null && when.how !== 'at-once') || incident?.id != null;
  return (
    <li data-told={handler.told || undefined}>
      {handler.told ? <IconCheck size={18} stroke={2.2} aria-label="told" role="img" /> : <IconMinus size={18} aria-label="not told" role="img" />}
      <div className={classes.what}>
        <p>
          <Link to="/notifications/groups/$project/$name" params={{ project: handler.project ?? HUB, name: handler.group }} search={{}}>{handler.group}/{handler.handler}</Link>
          <small>{handler.plugin} · {handler.project ?? 'the hub'}</small>
        </p>
        <p>{handler.why}</p>
        {later && (
          <p className={classes.when}>
            {when != null && <span>Hears {HOW[when.how] ?? when.how}{when.at != null && <>, <Time at={when.at} /></>}</span>}
            {incident?.id != null && <span><Link to="/incidents/$id" params={{ id: incident.id }} search={{}}>incident {incident.number}</Link>{incident.told != null && <>, told <Time at={incident.told} /></>}</span>}
            {when?.escalation != null && <span>{when.escalation.done ? 'escalated' : 'escalates'} to {when.escalation.to} <Time at={when.escalation.at} />{when.escalation.done && !when.escalation.heard && ', which did not hear: it is off'}</span>}
          </p>
        )}
      </div>
      <Tag kind={handler.told ? 'ok' : 'quiet'}>{handler.reason}</Tag>
    </li>
  );
}
