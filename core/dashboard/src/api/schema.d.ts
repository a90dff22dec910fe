/**
 * The hub's API as `openapi-typescript` writes it; `npm run types` makes this file anew from docs/openapi.json.
 */
export interface paths {
  '/api/v1/session': { get: operations['session'] };
  '/api/v1/tasks': { get: operations['tasks'] };
  '/api/v1/tasks/{upid}': { get: operations['task'] };
  '/api/v1/tasks/{upid}/log': { get: operations['task_log'] };
  '/api/v1/tasks/{upid}/log.txt': { get: operations['task_log_text'] };
  '/api/v1/tasks/{upid}/cancel': { post: operations['cancel_task'] };
}

export interface components {
  schemas: {
    /** @enum {string} */
    TaskType: 'backup' | 'restore' | 'sync' | 'verify' | 'gc' | 'prune' | 'tape';
    /** @enum {string} */
    TaskState: 'queued' | 'running' | 'ok' | 'warning' | 'failed' | 'cancelled';
    Stage: {
      name: string;
      done: number;
      total?: number | null;
      unit: string;
      bytes: number;
      bytes_total?: number | null;
      started?: string | null;
      ended?: string | null;
    };
    Progress: { stages: components['schemas']['Stage'][] };
    Warning: { code: string; path?: string | null; message: string };
    TaskStats: {
      bytes?: number;
      bytes_read?: number;
      bytes_stored?: number;
      files?: number;
      files_unchanged?: number;
      chunks?: number;
      chunks_known?: number;
      snapshots?: number;
      snapshots_affected?: number;
    };
    ErrorData: { code: string; message: string };
    TipAction: { kind: string; target: string; label: string };
    Tip: {
      title: string;
      why: string;
      steps: string[];
      link?: string | null;
      actions: components['schemas']['TipAction'][];
      plugin: string;
    };
    Task: {
      upid: string;
      type: components['schemas']['TaskType'];
      state: components['schemas']['TaskState'];
      status: string;
      project?: string | null;
      job?: string | null;
      user: string;
      source?: string | null;
      target?: string | null;
      retry_of?: string | null;
      queued: string;
      started?: string | null;
      ended?: string | null;
      bytes: number;
      stats: components['schemas']['TaskStats'];
      progress: components['schemas']['Progress'];
      warnings: components['schemas']['Warning'][];
      warning_count: number;
      error?: components['schemas']['ErrorData'] | null;
      waiting?: string | null;
      tips: components['schemas']['Tip'][];
    };
    TaskList: {
      tasks: components['schemas']['Task'][];
      next?: string | null;
      count: number;
      count_capped: boolean;
    };
    LogEntry: { line: number; time: string; level: components['schemas']['LogLevel']; text: string };
    LogPage: { lines: components['schemas']['LogEntry'][]; next: number; done: boolean };
    /** @enum {string} */
    LogLevel: 'info' | 'warn' | 'error';
    CancelAnswer: { upid: string; outcome: 'cancelled' | 'requested' | 'already-over' };
    Hub: { name: string; id: string; version: string };
    Session: { user: string; role: string; project?: string | null; hub: components['schemas']['Hub'] };
    Problem: {
      type: string;
      title: string;
      status: number;
      code: string;
      detail: string;
      request_id: string;
    };
  };
}

type Json<T> = { headers: { [name: string]: unknown }; content: { 'application/json': T } };
type Failed = {
  headers: { [name: string]: unknown };
  content: { 'application/problem+json': components['schemas']['Problem'] };
};

export interface operations {
  session: {
    parameters: { query?: never; header?: never; path?: never; cookie?: never };
    requestBody?: never;
    responses: { 200: Json<components['schemas']['Session']>; 401: Failed };
  };
  tasks: {
    parameters: {
      query?: {
        type?: string;
        status?: string;
        since?: string;
        until?: string;
        user?: string;
        project?: string;
        job?: string;
        text?: string;
        limit?: number;
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: { 200: Json<components['schemas']['TaskList']>; 400: Failed };
  };
  task: {
    parameters: { query?: never; header?: never; path: { upid: string }; cookie?: never };
    requestBody?: never;
    responses: { 200: Json<components['schemas']['Task']>; 404: Failed };
  };
  task_log: {
    parameters: {
      query?: { after?: number; limit?: number };
      header?: never;
      path: { upid: string };
      cookie?: never;
    };
    requestBody?: never;
    responses: { 200: Json<components['schemas']['LogPage']>; 404: Failed };
  };
  task_log_text: {
    parameters: { query?: never; header?: never; path: { upid: string }; cookie?: never };
    requestBody?: never;
    responses: {
      200: { headers: { [name: string]: unknown }; content: { 'text/plain': string } };
      404: Failed;
    };
  };
  cancel_task: {
    parameters: { query?: never; header?: never; path: { upid: string }; cookie?: never };
    requestBody?: never;
    responses: { 200: Json<components['schemas']['CancelAnswer']>; 409: Failed };
  };
}
