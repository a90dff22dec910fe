// One attempt to deliver a message: what became of it, how long it took, what was sent and what came back.
import type { Attempt, Exchange } from '../api/model';
import { formatDuration } from '../format/time';
import { Tag } from '../ui/Severity';
import { Time } from '../ui/Time';
import { formatLatency, pretty } from './bodies';
import classes from './MessagePanel.module.css';

const OUTCOMES: Record<string, { kind: 'ok' | 'failed' | 'warning' | 'quiet'; words: string }> = {
  delivered: { kind: 'ok', words: 'delivered' },
  retry: { kind: 'warning', words: 'tried again later' },
  rejected: { kind: 'failed', words: 'rejected' },
  exhausted: { kind: 'failed', words: 'given up' },
  lost: { kind: 'quiet', words: 'lost with its hub' },
};

export function AttemptCard({ attempt, open }: { attempt: Attempt; open: boolean }) {
  const outcome = OUTCOMES[attempt.outcome] ?? { kind: 'quiet', words: attempt.outcome };
  const took = Date.parse(attempt.ended) - Date.parse(attempt.started);
  return (
    <details className={classes.attempt} open={open}>
      <summary>
        <strong>Attempt {attempt.number}</strong>
        <Tag kind={outcome.kind}>{outcome.words}</Tag>
        {attempt.status != null && <Tag>status {attempt.status}</Tag>}
        <Time at={attempt.started} />
        <span className="num">{took < 1_000 ? `${Math.max(0, took)} ms` : formatDuration(took)}</span>
      </summary>
      <div className={classes.inner}>
        {attempt.error != null && <p>{attempt.error.message} <code>{attempt.error.code}</code></p>}
        {attempt.retry_at != null && <p>Tried again at <Time at={attempt.retry_at} /></p>}
        {attempt.exchanges.map((exchange, at) => <ExchangeView key={at} exchange={exchange} />)}
        {attempt.exchanges.length === 0 && <p className={classes.note}>What was sent and answered is not kept any more, or nothing was.</p>}
        {attempt.detail != null && attempt.detail !== '' && <div><h4>Record of the attempt</h4><Text text={attempt.detail} label="Record of the attempt" /></div>}
      </div>
    </details>
  );
}

function ExchangeView({ exchange }: { exchange: Exchange }) {
  const { sent } = exchange;
  return (
    <div className={classes.exchange}>
      <div className={classes.line}>
        <code>{exchange.request}</code>
        {exchange.status != null && <Tag kind={exchange.status < 300 ? 'ok' : 'failed'}>{exchange.status}</Tag>}
        <span className="num" title="Latency">{formatLatency(exchange.latency_us)}</span>
      </div>
      {exchange.error != null && <p>{exchange.error}</p>}
      {sent != null && (
        <div>
          <h4>Sent</h4>
          <Headers headers={sent.headers} />
          {sent.body !== '' && <Text text={pretty(sent.body)} label="Sent body" />}
          {sent.truncated && <p className={classes.note}>The body was longer.</p>}
        </div>
      )}
      {(exchange.headers.length > 0 || exchange.body !== '') && (
        <div>
          <h4>Answered</h4>
          <Headers headers={exchange.headers} />
          {exchange.body !== '' && <Text text={pretty(exchange.body)} label="Answered body" />}
          {exchange.truncated && <p className={classes.note}>The body was longer.</p>}
        </div>
      )}
    </div>
  );
}

function Headers({ headers }: { headers: readonly { name: string; value: string }[] }) {
  if (headers.length === 0) return null;
  return <dl className={classes.headers}>{headers.map(({ name, value }, at) => <div key={at}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

function Text({ text, label }: { text: string; label: string }) {
  // A scrolling region has to be reachable by keyboard.
  // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
  return <pre tabIndex={0} role="region" aria-label={label}>{text}</pre>;
}
