import { describe, expect, it } from 'vitest';

import { applyProgress, createQueryClient, keys, mergeEvent } from './cache';
import { ApiError, problemToError } from './client';
import { type EventTask, SHOWN, type Task } from './model';
import { tokenFromHash } from './login';

const task = (part: Partial<Task>): Task => ({
  upid: 'UPID:hub1:0:0:1:0:backup:x:u:', type: 'backup', state: 'running', status: 'running', project: null, job: null, user: 'u', source: null,
  target: null, cancelled_by: null, retry_of: null, retried_by: null, attempt: 1, node: 'vm', queued: '2026-05-21T00:00:00Z', started: '2026-05-21T00:00:01Z', ended: null, bytes: 5,
  stats: { bytes: 0, bytes_read: 0, bytes_logical: 0, bytes_new: 0, bytes_stored: 0, files: 0, files_unchanged: 0, chunks: 0, chunks_known: 0, snapshots: 0, snapshots_affected: 0, snapshots_skipped: 0 },
  progress: { stages: [] }, warnings: [], warning_count: 0, error: null, waiting: null, tips: [], ...part,
});
const event = (part: Partial<EventTask>): EventTask => ({ upid: task({}).upid, state: 'ok', bytes: 9, warning_count: 0, ended: '2026-05-21T00:00:09Z', ...part });

describe('news', () => {
  it('takes a task on', () => {
    expect(mergeEvent(task({}), event({}), SHOWN)).toMatchObject({ state: 'ok', status: 'OK', bytes: 9, ended: '2026-05-21T00:00:09Z', started: '2026-05-21T00:00:01Z' });
  });

  it('never takes it back, nor from one end to another', () => {
    const done = task({ state: 'failed', status: 'FAILED' });
    expect(mergeEvent(done, event({ state: 'running' }), SHOWN)).toBe(done);
    expect(mergeEvent(done, event({ state: 'ok' }), SHOWN)).toBe(done);
  });

  it('of progress reaches every list that knows the task, but none that is over', () => {
    const client = createQueryClient();
    const other = task({ upid: 'other' });
    client.setQueryData(keys.active, { tasks: [other, task({})], next: null, count: 2, count_capped: false });
    client.setQueryData(keys.list({}), { pageParams: [], pages: [{ tasks: [task({ state: 'ok', bytes: 77 })], next: null, count: 1, count_capped: false }] });
    applyProgress(client, { upid: task({}).upid, bytes: 50, progress: { stages: [] } }, 0);
    expect(client.getQueryData(keys.active)).toMatchObject({ tasks: [{ bytes: 5 }, { bytes: 50 }] });
    expect(client.getQueryData(keys.list({}))).toMatchObject({ pages: [{ tasks: [{ bytes: 77 }] }] });
    client.clear();
  });
});

describe('problem documents', () => {
  it('become errors with code and request', () => {
    const error = problemToError(404, { title: 'Not found', detail: 'There is no such task.', code: 'task.not-found', request_id: 'r1' });
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 404, code: 'task.not-found', message: 'There is no such task.', requestId: 'r1' });
  });

  it('that are none still say the status', () => {
    expect(problemToError(502, '<html>')).toMatchObject({ code: 'http.502', message: 'The hub answered with status 502.' });
  });
});

describe('a token in the address', () => {
  it('is taken out, and the rest stays', () => {
    expect(tokenFromHash('#token=abc%2B1')).toEqual({ token: 'abc+1', rest: '' });
    expect(tokenFromHash('#token=abc&line=4')).toEqual({ token: 'abc', rest: '#line=4' });
    expect(tokenFromHash('#content')).toEqual({ token: null, rest: '#content' });
    expect(tokenFromHash('#token=')).toEqual({ token: null, rest: '#token=' });
  });
});
