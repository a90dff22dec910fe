// One user in full: its roles, to be given and taken, its tokens, and the way to what it changed.
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import { useGrantRole, useTakeRole, useTokens } from '../api/access';
import type { Grant, User } from '../api/model';
import { useMay } from '../api/rights';
import { Ask, Fields } from '../ui/Ask';
import { CommandLine } from '../ui/Copy';
import page from '../ui/Page.module.css';
import { Facts, Section, SidePanel } from '../ui/SidePanel';
import { Time } from '../ui/Time';
import { tellDone } from '../ui/Trouble';
import classes from './access.module.css';
import { NO_ROLE, RoleFields } from './RoleFields';
import { TokenState } from './TokensTab';
import { UserActions } from './UserActions';
import { UserState } from './UsersTab';
import { ownerOf, roleAt } from './words';

export function UserPanel({ user, onClose }: { user: User; onClose: () => void }) {
  const mayChange = useMay('manage-access');
  const tokens = useTokens().data?.filter((token) => ownerOf(token.user) === user.user && token.revoked == null) ?? [];
  const [giving, setGiving] = useState(false);
  const [taking, setTaking] = useState<Grant | null>(null);
  return (
    <SidePanel title={user.user} badge={<span className={classes.state}><UserState user={user} /></span>} path={`/access?user=${user.user}`} tools={mayChange && <UserActions user={user} onGone={onClose} />} onClose={onClose}>
      <Facts
        facts={[
          ['Name', user.name], ['Mail address', user.email],
          ['Password', user.password_set == null ? 'none' : <>set <Time at={user.password_set} ago /></>],
          ['Second factor', user.second_factor == null ? 'none' : <>since <Time at={user.second_factor} /></>],
          ['Signed in last', user.last_login == null ? 'never' : <Time at={user.last_login} ago />],
          ['Made', <Time key="made" at={user.created} />], ['By', user.created_by],
        ]}
      />
      <Section title="Roles" side={mayChange && <Button size="compact-xs" variant="default" onClick={() => setGiving(true)}>Give a role</Button>}>
        {user.grants.length === 0 && <p className={classes.none}>It has no role, so that it cannot sign in.</p>}
        <ul className={classes.rows}>
          {user.grants.map((grant) => (
            <li key={roleAt(grant)}>
              <span>{roleAt(grant)}<small>since <Time at={grant.granted} />{grant.by != null && `, by ${grant.by}`}</small></span>
              {mayChange && <Button size="compact-xs" variant="default" aria-label={`Take the role ${roleAt(grant)}`} onClick={() => setTaking(grant)}>Take</Button>}
            </li>
          ))}
        </ul>
      </Section>
      <Section title="Tokens" side={<Link to="/access/tokens" search={{}} className={page.link}>All tokens</Link>}>
        {tokens.length === 0 && <p className={classes.none}>It has none.</p>}
        <ul className={classes.rows}>
          {tokens.map((token) => (
            <li key={token.user}>
              <span>{token.user}<small>{roleAt(token)}{token.last_used == null ? ', never used' : <>, used <Time at={token.last_used} ago /></>}</small></span>
              <TokenState token={token} />
            </li>
          ))}
        </ul>
      </Section>
      <p className={classes.links}>
        <Link to="/audit" search={{ object: `user/${user.user}` }}>What was changed about this user</Link>
        <Link to="/audit" search={{ user: user.user }}>What this user changed</Link>
      </p>
      <CommandLine command={`ironcore-backup user show ${user.user}`} />
      {giving && <GiveRole user={user.user} onClose={() => setGiving(false)} />}
      {taking !== null && <TakeRole user={user.user} grant={taking} onClose={() => setTaking(null)} />}
    </SidePanel>
  );
}

function GiveRole({ user, onClose }: { user: string; onClose: () => void }) {
  const give = useGrantRole();
  const [role, setRole] = useState(NO_ROLE);
  const [tried, setTried] = useState(false);
  const submit = () => {
    setTried(true);
    if (role.role !== '') give.mutate({ user, role: role.role, project: role.project === '' ? null : role.project }, { onSuccess: (made) => { onClose(); tellDone(`${user} is ${roleAt(made)}`); } });
  };
  return (
    <Ask title={`Give ${user} a role`} confirm="Give" busy={give.isPending} error={give.error} onConfirm={submit} onClose={onClose}>
      <Fields><RoleFields value={role} none="Choose one" error={tried && role.role === '' ? 'Choose a role.' : null} onChange={setRole} /></Fields>
    </Ask>
  );
}

function TakeRole({ user, grant, onClose }: { user: string; grant: Grant; onClose: () => void }) {
  const take = useTakeRole();
  const submit = () => take.mutate({ user, role: grant.role, project: grant.project ?? null }, { onSuccess: () => { onClose(); tellDone(`${user} is no longer ${roleAt(grant)}`); } });
  return (
    <Ask title={`Take a role from ${user}`} confirm="Take it" danger busy={take.isPending} error={take.error} onConfirm={submit} onClose={onClose}>
      {user} is no longer {roleAt(grant)}, and is signed out where it acts by that. Its tokens may do no more than it may itself.
    </Ask>
  );
}
