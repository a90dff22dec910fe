// Messages as a table; on narrow screens each row becomes a card.
import { Link, useNavigate } from '@tanstack/react-router';
import type { KeyboardEvent } from 'react';

import type { Message, MessageState as State } from '../api/model';
import { Tag } from '../ui/Severity';
import { Time } from '../ui/Time';
import classes from './MessagesTab.module.css';

const KINDS = { pending: 'quiet', sending: 'running', delivered: 'ok', dead: 'failed' } as const;

export function MessageState({ state }: { state: State }) {
  return <Tag kind={KINDS[state]}>{state === 'dead' ? 'dead letter' : state}</Tag>;
}

/** What came back, or when it is tried again. */
function Answer({ message }: { message: Message }) {
  if (message.state === 'pending' && message.next_attempt != null) return <span className={classes.faint}>{message.attempts === 0 ? 'due' : 'again'} <Time at={message.next_attempt} /></span>;
  const text = message.error?.message ?? message.receipt ?? '';
  return <span className={classes.faint} title={text}>{text}</span>;
}

/** Arrow keys, j and k step through the rows' links. */
function step(event: KeyboardEvent<HTMLTableSectionElement>) {
  const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (by === undefined || !(event.target instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.altKey) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLAnchorElement>(`a.${classes.link ?? ''}`)];
  const next = links[links.indexOf(event.target) + by];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

export function MessageTable({ messages, selected }: { messages: readonly Message[]; selected: string | undefined }) {
  const navigate = useNavigate();
  const open = (id: string) => void navigate({ to: '/notifications/messages/$id', params: { id }, search: (search: Record<string, unknown>) => search, resetScroll: false });
  /* eslint-disable jsx-a11y/no-redundant-roles, jsx-a11y/no-interactive-element-to-noninteractive-role,
     jsx-a11y/no-noninteractive-element-interactions -- every row has a link for the keyboard; a click anywhere in it is a
     convenience for the mouse. Cards are no longer a table to browsers, while they still are one to people. */
  return (
    <table className={classes.table} role="table" aria-label="Messages">
      <thead role="rowgroup">
        <tr role="row">
          {([['made', 'Made'], ['handler', 'Handler'], ['kind', 'Kind'], ['state', 'State'], ['attempts', 'Attempts'], ['answer', 'Answer']] as const).map(([column, name]) => (
            <th key={column} role="columnheader" scope="col" data-column={column}>{name}</th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup" onKeyDown={step}>
        {messages.map((message) => (
          <tr
            key={message.id} role="row" data-selected={message.id === selected || undefined}
            onClick={(event) => {
              if ((event.target as Element).closest('a, button') === null && window.getSelection()?.isCollapsed !== false) open(message.id);
            }}
          >
            <td role="cell" data-column="made">
              <Link to="/notifications/messages/$id" params={{ id: message.id }} search={(search: Record<string, unknown>) => search} resetScroll={false} className={classes.link}><Time at={message.created} /></Link>
            </td>
            <td role="cell" data-column="handler" title={`${message.project ?? 'the hub'}: ${message.group}/${message.handler}`}>{message.group}/{message.handler}</td>
            <td role="cell" data-column="kind">{message.kind}{message.events > 1 && ` (${message.events})`}</td>
            <td role="cell" data-column="state"><MessageState state={message.state} /></td>
            <td role="cell" data-column="attempts" className="num">{message.attempts}{message.replay > 0 && ' ↻'}</td>
            <td role="cell" data-column="answer"><Answer message={message} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
