// The identity providers at which one can sign in. The browser goes there, and comes back signed in.
import { Button } from '@mantine/core';

import { useLoginWays } from '../api/account';
import { leaveToSignIn } from '../api/login';
import classes from './SignIn.module.css';

export function Ways() {
  const { data } = useLoginWays();
  if (data === undefined || data.length === 0) return null;
  return (
    <div className={classes.ways}>
      {data.map(({ realm, title }) => (
        <Button
          key={realm} component="a" href={`/api/v1/login/oidc/${encodeURIComponent(realm)}`} variant="default" fullWidth
          onClick={() => leaveToSignIn(window.location.pathname + window.location.search)}
        >
          Sign in with {title}
        </Button>
      ))}
    </div>
  );
}
