// The task list's eight columns. On narrow screens each row becomes a card.
import { createColumnHelper, tableFeatures, useTable } from '@tanstack/react-table';
import type { KeyboardEvent, MouseEvent } from 'react';

import type { Task } from '../api/model';
import { shortUpid } from '../format/upid';
import { CopyButton } from '../ui/Copy';
import { StatusBadge } from '../ui/StatusBadge';
import { Bytes, Time } from '../ui/Time';
import { TypeLabel } from '../ui/TypeLabel';
import { Route } from './Route';
import { TaskLink, useOpenTask } from './TaskLink';
import classes from './TaskTable.module.css';

const features = tableFeatures({});
const helper = createColumnHelper<typeof features, Task>();

function End({ task }: { task: Task }) {
  if (task.ended != null) return <Time at={task.ended} after={task.started ?? task.queued} />;
  return <span className={classes.faint}>{task.state === 'running' ? 'running' : '–'}</span>;
}

const columns = helper.columns([
  helper.display({
    id: 'time',
    header: 'Time',
    cell: ({ row: { original: task } }) => (
      <TaskLink upid={task.upid} className={classes.time}>
        <Time at={task.started ?? task.queued} />
      </TaskLink>
    ),
  }),
  helper.display({ id: 'end', header: 'End', cell: ({ row }) => <End task={row.original} /> }),
  helper.display({ id: 'user', header: 'User', cell: ({ row }) => <span title={row.original.user}>{row.original.user}</span> }),
  helper.display({ id: 'type', header: 'Type', cell: ({ row }) => <TypeLabel type={row.original.type} /> }),
  helper.display({ id: 'route', header: 'Source / Target', cell: ({ row }) => <Route task={row.original} stacked /> }),
  helper.display({
    id: 'status',
    header: 'Status',
    cell: ({ row }) => <StatusBadge state={row.original.state} status={row.original.status} />,
  }),
  helper.display({ id: 'bytes', header: 'Bytes', cell: ({ row }) => <Bytes value={row.original.bytes} /> }),
  helper.display({
    id: 'upid',
    header: 'UPID',
    cell: ({ row }) => (
      <span className={classes.upid}>
        <code title={row.original.upid}>{shortUpid(row.original.upid)}</code>
        <CopyButton value={row.original.upid} what="UPID" />
      </span>
    ),
  }),
]);

/** Arrow keys step through the rows' links, as in a list. */
function step(event: KeyboardEvent<HTMLTableSectionElement>) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by === undefined || !(event.target instanceof HTMLAnchorElement)) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLAnchorElement>(`a.${classes.time ?? ''}`)];
  const next = links[links.indexOf(event.target) + by];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

interface TaskTableProps {
  tasks: Task[];
  label: string;
  selected?: string | undefined;
  /** Leaves columns out where there is little room, rather than making cards. */
  brief?: boolean;
}

export function TaskTable({ tasks, label, selected, brief = false }: TaskTableProps) {
  const open = useOpenTask();
  const table = useTable({ features, columns, data: tasks, getRowId: (task) => task.upid });

  const onRowClick = (event: MouseEvent, upid: string) => {
    const target = event.target as Element;
    if (target.closest('a, button') !== null || window.getSelection()?.isCollapsed === false) return;
    open(upid);
  };

  /* eslint-disable jsx-a11y/no-redundant-roles, jsx-a11y/no-interactive-element-to-noninteractive-role,
     jsx-a11y/no-noninteractive-element-interactions -- every row has a link for the keyboard; a click anywhere in it is
     a convenience for the mouse. */
  // The roles are named because cards are no longer a table to browsers, while they still are one to people.
  return (
    <div className={classes.scroll}>
      <table className={classes.table} data-brief={brief || undefined} role="table" aria-label={label}>
        <thead role="rowgroup">
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} role="row">
              {group.headers.map((header) => (
                <th key={header.id} role="columnheader" scope="col" data-column={header.column.id}>
                  <table.FlexRender header={header} />
                </th>
              ))}
            </tr>
          ))}
        </thead>
        <tbody role="rowgroup" onKeyDown={step}>
          {table.getRowModel().rows.map((row) => (
            <tr
              key={row.id}
              role="row"
              data-selected={row.id === selected || undefined}
              onClick={(event) => onRowClick(event, row.id)}
            >
              {row.getAllCells().map((cell) => (
                <td key={cell.id} role="cell" data-column={cell.column.id}>
                  <table.FlexRender cell={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
