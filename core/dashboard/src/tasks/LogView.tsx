// The streaming log of a task: follow, wrap, search, download.
import { Button, Checkbox, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useVirtualizer } from '@tanstack/react-virtual';
import { IconDownload, IconSearch } from '@tabler/icons-react';
import { useEffect, useMemo, useRef, useState } from 'react';

import type { LogLine } from '../api/model';
import { fetchLogFile } from '../api/tasks';
import { formatCount } from '../format/bytes';
import { formatClock, formatTime } from '../format/time';
import { logFileName } from '../format/upid';
import { useZone } from '../shell/zone';
import classes from './LogView.module.css';
import { type TaskLog, useTaskLog } from './useTaskLog';

export function LogView({ upid }: { upid: string }) {
  const { zone } = useZone();
  const log = useTaskLog(upid);
  const [follow, setFollow] = useState(true);
  const [wrap, setWrap] = useState(false);
  const [problems, setProblems] = useState(false);
  const [wanted, setWanted] = useState('');
  const box = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  const section = useRef<HTMLElement>(null);

  // Links in messages lead to the log itself, which comes only with the task.
  useEffect(() => {
    if (window.location.hash === '#log') section.current?.scrollIntoView();
  }, []);

  const lines = useMemo(() => {
    const text = wanted.trim().toLowerCase();
    if (text === '' && !problems) return log.lines;
    return log.lines.filter(
      (line) => (!problems || isProblem(line.level)) && (text === '' || line.text.toLowerCase().includes(text)),
    );
  }, [log.lines, wanted, problems]);

  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => 20,
    getItemKey: (at) => lines[at]?.line ?? at,
    overscan: 30,
  });

  // A full log keeps its length while it grows, so the last line's number is watched too.
  const last = lines.at(-1)?.line ?? 0;
  useEffect(() => {
    if (follow && last > 0) rows.scrollToIndex(lines.length - 1, { align: 'end' });
  }, [follow, last, lines.length, rows, wrap]);

  // Scrolling back stops following; returning to the end takes it up again.
  const onScroll = () => {
    const element = box.current;
    if (element === null) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 24;
    if (atEnd) setFollow(true);
    else if (element.scrollTop < lastTop.current - 4) setFollow(false);
    lastTop.current = element.scrollTop;
  };

  const digits = String(last).length;
  return (
    <section className={classes.log} aria-label="Log" id="log" ref={section}>
      <div className={classes.bar}>
        <h3>Log</h3>
        <span className={classes.count}>
          {log.known && `${formatCount(log.lines.length + log.dropped)} lines${!log.done && log.error === null ? ', growing' : ''}`}
        </span>
        <DownloadLog upid={upid} />
      </div>
      <div className={classes.bar}>
        <Checkbox size="xs" label="Follow" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />
        <Checkbox size="xs" label="Wrap" checked={wrap} onChange={(event) => setWrap(event.currentTarget.checked)} />
        <Checkbox size="xs" label="Problems only" checked={problems} onChange={(event) => setProblems(event.currentTarget.checked)} />
        <TextInput
          size="xs" className={classes.search} aria-label="Search the log" placeholder="Search" leftSection={<IconSearch size={14} />}
          value={wanted} onChange={(event) => setWanted(event.currentTarget.value)}
        />
      </div>
      {log.dropped > 0 && <p className={classes.note}>The first {formatCount(log.dropped)} lines are only in the downloaded log.</p>}
      {/* A scrolling region has to be reachable by keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div ref={box} className={classes.box} data-wrap={wrap || undefined} onScroll={onScroll} role="region" aria-label="Log lines" tabIndex={0}>
        {lines.length === 0 ? (
          <p className={classes.note}>{emptyNote(log)}</p>
        ) : (
          <div className={classes.all} style={{ height: rows.getTotalSize() }}>
            {rows.getVirtualItems().map((row) => {
              const line = lines[row.index];
              if (line === undefined) return null;
              return (
                <div
                  key={row.key}
                  ref={rows.measureElement}
                  data-index={row.index}
                  className={classes.row}
                  data-level={line.level}
                  style={{ transform: `translateY(${row.start}px)` }}
                >
                  <span className={classes.no} style={{ minWidth: `${digits}ch` }} aria-hidden>{line.line}</span>
                  <time dateTime={line.time} title={formatTime(line.time, zone)}>{formatClock(line.time, zone)}</time>
                  <span className={classes.text}>
                    {isProblem(line.level) && <span className={classes.level}>{line.level.toUpperCase()} </span>}
                    {line.text}
                  </span>
                </div>
              );
            })}
          </div>
        )}
      </div>
      {log.error !== null && log.lines.length > 0 && <p className={classes.note} role="alert">{log.error.message}</p>}
    </section>
  );
}

function isProblem(level: LogLine['level']): boolean {
  return level !== 'info';
}

/** Why no line is shown. */
function emptyNote(log: TaskLog): string {
  if (log.lines.length > 0) return 'No line matches.';
  if (log.error !== null) return log.error.message;
  if (!log.known) return 'Reading the log …';
  return log.done ? 'The log is empty.' : 'Nothing was written yet.';
}

function DownloadLog({ upid }: { upid: string }) {
  const [busy, setBusy] = useState(false);
  const download = async () => {
    setBusy(true);
    try {
      const url = URL.createObjectURL(await fetchLogFile(upid));
      const link = document.createElement('a');
      link.href = url;
      link.download = logFileName(upid);
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    } catch (cause) {
      notifications.show({ color: 'red', title: 'The log could not be downloaded', message: cause instanceof Error ? cause.message : '' });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button size="compact-sm" variant="default" loading={busy} leftSection={<IconDownload size={15} stroke={1.8} />} onClick={() => void download()}>
      Download Log
    </Button>
  );
}
