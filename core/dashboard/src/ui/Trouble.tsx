// What the hub refused, in its own words, where it was asked for; and what was done, in passing.
import { notifications } from '@mantine/notifications';

import { ApiError } from '../api/client';
import classes from './Trouble.module.css';

/** The words, code and faults of an error. Nothing without one. */
export function Trouble({ error }: { error: Error | null }) {
  if (error === null) return null;
  const known = error instanceof ApiError ? error : null;
  const faults = known?.faults.filter((fault) => !error.message.includes(fault.detail)) ?? [];
  return (
    <div className={classes.trouble} role="alert">
      <p>{error.message}</p>
      {faults.length > 0 && (
        <ul>
          {faults.map((fault, at) => (
            <li key={at}>
              {(fault.object != null || fault.key !== '') && <><code>{[fault.object, fault.key].filter((each) => each != null && each !== '').join(' ')}</code>: </>}
              {fault.detail}
            </li>
          ))}
        </ul>
      )}
      {known !== null && <small><code>{known.code}</code>{known.requestId !== null && <> · request <code>{known.requestId}</code></>}</small>}
    </div>
  );
}

export function tellDone(title: string, message = ''): void {
  notifications.show({ color: 'green.8', title, message });
}

export function tellFailed(title: string, error: Error): void {
  notifications.show({ color: 'red', title, message: error instanceof ApiError ? `${error.message} (${error.code})` : error.message, autoClose: 10_000 });
}
