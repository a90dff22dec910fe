import { describe, expect, it } from 'vitest';

import type { Group, Handler } from '../api/model';
import { formatLatency, pretty } from './bodies';
import { readExplainSearch, toExplainCommand, toExplainRequest } from './explainSearch';
import { aboutEverything, NO_MATCHERS, toMatchers } from './MatchersFields';
import { cellOf, changedMeanwhile, changedTypes, type Matrix, sameMatrix, toggled, withoutRow } from './matrix';
import { countMessageFilters, readMessageSearch, toMessageCommand, toMessageQuery, toReplayCommand } from './messageSearch';
import { daysInWords, destination, filterInWords, hoursInWords, matchersInWords, orList, pacing, tellInWords } from './words';

const handler = (name: string, part: Partial<Handler> = {}): Handler => ({ name, plugin: 'webhook', ...part });
const chat = handler('chat');
const mail = handler('mail', { filter: { events: ['ironcore.job.missed'] } });
const all = handler('all', { filter: { events: [] } });
const handlers = [chat, mail, all];
const matrix: Matrix = { 'ironcore.task.completed': [], 'job.missed': ['chat'] };

describe('the matrix', () => {
  it('tells exactly the handlers beside a type', () => {
    expect([cellOf(matrix, 'task.completed', chat), cellOf(matrix, 'job.missed', chat), cellOf(matrix, 'job.missed', mail)]).toEqual(['left-out', 'told', 'left-out']);
  });
  it('leaves other types to the filter of a handler, else to the default rule', () => {
    expect(handlers.map((each) => cellOf({}, 'job.missed', each))).toEqual(['not', 'by-filter', 'by-filter']);
    expect(handlers.map((each) => cellOf({}, 'task.failed', each))).toEqual(['by-default', 'not', 'by-filter']);
    expect([cellOf({}, 'snapshot.verified', chat), cellOf({}, 'task.started', chat)]).toEqual(['by-default', 'not']);
  });
  it('makes a row of who was told before, and changes one cell of it', () => {
    expect(toggled({}, 'task.failed', mail, handlers)).toEqual({ 'ironcore.task.failed': ['chat', 'mail', 'all'] });
    expect(toggled(matrix, 'job.missed', chat, handlers)).toEqual({ 'ironcore.task.completed': [], 'ironcore.job.missed': [] });
    expect(withoutRow(matrix, 'job.missed')).toEqual({ 'ironcore.task.completed': [] });
  });
  it('is compared by what it says', () => {
    expect(sameMatrix({ 'job.missed': ['a', 'b'] }, { 'ironcore.job.missed': ['b', 'a'] })).toBe(true);
    expect(sameMatrix({ 'job.missed': [] }, {})).toBe(false);
    expect(changedTypes(matrix, toggled(matrix, 'task.failed', chat, handlers))).toEqual(['task.failed']);
  });
  it('notices that somebody else declared the group anew', () => {
    const group: Group = { name: 'oncall', project: 'office', handler: [chat], matrix: { a: ['x'] } };
    expect(changedMeanwhile(group, { matrix: { a: ['x'] }, handler: [{ plugin: 'webhook', name: 'chat' }], project: 'office', name: 'oncall' })).toBe(false);
    expect(changedMeanwhile(group, { ...group, comment: 'new' })).toBe(true);
  });
});

describe('words', () => {
  it('name days and hours', () => {
    expect([daysInWords(['mon', 'tue', 'wed', 'thu', 'fri']), daysInWords(['sun', 'sat']), daysInWords(['fri', 'mon', 'wed'])]).toEqual(['Mon–Fri', 'Sat, Sun', 'Mon, Wed, Fri']);
    expect(hoursInWords({ from: '18:00', to: '08:00', timezone: 'Europe/Berlin' })).toBe('every day, 18:00–08:00 (Europe/Berlin)');
    expect(hoursInWords({ days: ['sat', 'sun'] })).toBe('Sat, Sun, all day (UTC)');
  });
  it('say what passes a filter', () => {
    expect(filterInWords({ events: ['ironcore.task.failed'], 'min-severity': 'error', 'changes-only': true, jobs: ['/^db-/', 'x'], datastores: ['a'] })).toEqual([
      'task.failed', 'errors only', 'changes of the outcome only', 'job /^db-/ or x', 'datastore a',
    ]);
    expect([filterInWords({}), filterInWords(undefined), filterInWords({ events: [] })]).toEqual([[], [], ['all event types']]);
  });
  it('say whom a rule tells', () => {
    expect([tellInWords({}), tellInWords({ tell: [] }), tellInWords({ tell: ['a', 'b', 'c'] })]).toEqual(['tells every handler of the group', 'tells nobody', 'tells a, b and c']);
    expect([orList([]), orList(['a'])]).toEqual(['', 'a']);
  });
  it('say how often a handler is told', () => {
    expect(pacing(handler('x', { digest: { every: 'day', at: '08:00', timezone: 'UTC', unless: 'error' }, limit: { messages: 20, per: '1h' } }))).toEqual([
      ['Digest', 'every day at 08:00 (UTC); error or more at once'], ['Limit', '20 messages in 1h; the rest comes together'],
    ]);
    expect(pacing(handler('x', { incidents: { repeat: '0s', escalate: { after: '15m', to: 'pager' } } }))).toEqual([
      ['Incidents', 'first after 0s; more at most every 5m; never repeated; escalates to pager after 15m'],
    ]);
  });
  it('say what is silenced', () => {
    expect(matchersInWords({ 'max-severity': 'warning', datastores: ['ibs-primary'] })).toEqual(['warning or less', 'datastore ibs-primary']);
    expect(matchersInWords({ 'min-severity': 'notice', 'max-severity': 'warning' })).toEqual(['notice to warning']);
  });
  it('know where a handler sends to, but no secret', () => {
    expect([destination({ url: 'https://a' }), destination({ url: { secret: 's' } }), destination({ host: 'm', to: ['a', 'b'] }), destination({}), destination(null)]).toEqual([
      'https://a', 'the URL in the secret s', 'a, b', null, null,
    ]);
  });
});

describe('filters of messages', () => {
  it('are read from the address', () => {
    const search = readMessageSearch({ state: 'DEAD,nonsense,pending', group: ' oncall ', since: '24h ago', until: 'x' });
    expect(search).toEqual({ state: 'pending,dead', group: 'oncall', since: '24h ago' });
    expect(countMessageFilters(search)).toBe(3);
    expect(toMessageQuery(search, Date.parse('2026-05-21T12:00:00Z')).since).toBe('2026-05-20T12:00:00.000Z');
  });
  it('give commands where there are such', () => {
    expect(toMessageCommand({ state: 'dead', group: 'oncall', handler: 'chat' })).toBe('ironcore-backup message list --state dead --handler oncall/chat');
    expect(toMessageCommand({ project: 'office' })).toBeNull();
    expect(toReplayCommand({ group: 'oncall', handler: 'chat', since: '24h ago' })).toBe("ironcore-backup message replay --handler oncall/chat --since '24h ago'");
    expect(toReplayCommand({})).toBeNull();
  });
});

describe('explaining', () => {
  it('asks about an event that happened, or one that is made up, never both', () => {
    expect(readExplainSearch({ event: 'e1', type: 'task.failed' })).toEqual({ event: 'e1' });
    expect(toExplainRequest({ event: 'e1' }, 0)).toEqual({ event: 'e1' });
    expect(toExplainRequest(readExplainSearch({ type: 'ironcore.task.failed', job: 'db', task: 'Backup', severity: 'x', at: '2026-05-23T02:10:00Z' }), 0)).toEqual({
      'made-up': { type: 'ironcore.task.failed', job: 'db', 'task-type': 'backup', at: '2026-05-23T02:10:00.000Z' },
    });
    expect(toExplainRequest({ job: 'db' }, 0)).toBeNull();
  });
  it('is the same by CLI', () => {
    expect(toExplainCommand({ type: 'task.failed', project: 'office', before: 'failed' })).toBe('ironcore-backup notify explain --type task.failed --project office --before FAILED');
    expect(toExplainCommand({})).toBeNull();
  });
});

describe('what a silence is about', () => {
  it('leaves out what is not said', () => {
    expect(aboutEverything(NO_MATCHERS)).toBe(true);
    expect(toMatchers({ ...NO_MATCHERS, events: ['task.failed'], max: 'warning' })).toEqual({ events: ['ironcore.task.failed'], 'max-severity': 'warning' });
  });
});

describe('bodies', () => {
  it('of JSON are indented, others left alone', () => {
    expect([pretty('{"a":1}'), pretty('gone'), pretty('{broken')]).toEqual(['{\n  "a": 1\n}', 'gone', '{broken']);
  });
  it('took a time', () => expect([840, 3_240, 42_000, 1_500_000].map(formatLatency)).toEqual(['840 µs', '3.2 ms', '42 ms', '1.50 s']));
});
