// Signing in with an API token. It is kept for this tab only.
import { Alert, Button, PasswordInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type SubmitEvent, useState } from 'react';

import { keys } from '../api/cache';
import { answer, api, ApiError } from '../api/client';
import { setToken } from '../api/token';
import classes from './Shell.module.css';

export function Login({ expired, onLeave }: { expired: boolean; onLeave: () => void }) {
  const client = useQueryClient();
  const [secret, setSecret] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const signIn = async (event: SubmitEvent) => {
    event.preventDefault();
    const token = secret.trim();
    if (token === '') {
      setError('Paste a token first.');
      return;
    }
    setBusy(true);
    setError(null);
    try {
      const session = await answer(api.GET('/api/v1/session', { headers: { Authorization: `Bearer ${token}` } }));
      client.clear();
      client.setQueryData(keys.session, session);
      onLeave();
      setToken(token);
    } catch (cause) {
      setError(explain(cause));
      setBusy(false);
    }
  };

  return (
    <main className={classes.login}>
      <form className={classes.card} onSubmit={(event) => void signIn(event)}>
        <svg className={classes.mark} viewBox="0 0 32 32" width="34" height="34" aria-hidden>
          <g fill="none" stroke="currentColor" strokeWidth="2.2" strokeLinejoin="round">
            <path d="M16 4.5 26 10.2v11.6L16 27.5 6 21.8V10.2z" />
            <path d="M6 10.4l10 5.7 10-5.7M16 16.2v11" />
          </g>
        </svg>
        <h1>Sign in to Ironcore Backup</h1>
        <p>With the secret of an API token. It stays in this browser tab until you close it.</p>
        {expired && error === null && (
          <Alert color="yellow" variant="light" mb="md" role="status">You were signed out, or your token has expired.</Alert>
        )}
        <PasswordInput
          label="Token"
          value={secret}
          onChange={(event) => setSecret(event.currentTarget.value)}
          error={error}
          autoComplete="current-password"
          spellCheck={false}
          data-autofocus
          disabled={busy}
        />
        <Button type="submit" fullWidth mt="md" loading={busy}>Sign in</Button>
      </form>
    </main>
  );
}

function explain(cause: unknown): string {
  if (cause instanceof ApiError) return cause.status === 401 ? 'The hub does not accept this token.' : cause.message;
  return 'The token contains characters that no token has.';
}
