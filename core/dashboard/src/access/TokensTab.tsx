// API tokens: whose, what each may do, until when, and when it was used last.
import { Button, Switch } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { IconKey, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';

import { useRevokeToken, useTokens } from '../api/access';
import type { Token } from '../api/model';
import { useMay } from '../api/rights';
import { formatCount } from '../format/bytes';
import { Ask } from '../ui/Ask';
import { CommandLine } from '../ui/Copy';
import { type Column, DataTable } from '../ui/DataTable';
import { useNow } from '../ui/now';
import page from '../ui/Page.module.css';
import { Empty, Failure, Loading } from '../ui/Panel';
import { Tag } from '../ui/Tag';
import { Time } from '../ui/Time';
import { tellDone } from '../ui/Trouble';
import classes from './access.module.css';
import { CreateToken } from './TokenForm';
import { ownerOf, roleAt, tokenStanding } from './words';

const route = getRouteApi('/access/tokens');

export function TokenState({ token }: { token: Token }) {
  const { kind, word, why } = tokenStanding(token, useNow());
  return <Tag kind={kind} title={why}>{word}</Tag>;
}

const COLUMNS: Column<Token>[] = [
  {
    id: 'token', head: 'Token', lead: true, width: '26%',
    cell: ({ user, comment }) => <><Link to="/access" search={{ user: ownerOf(user) }}>{ownerOf(user)}</Link><wbr />!{user.split('!')[1]}{comment != null && <small>{comment}</small>}</>,
  },
  { id: 'state', head: 'State', width: '8rem', cell: (token) => <TokenState token={token} /> },
  { id: 'role', head: 'May do', width: '15%', cell: (token) => roleAt(token) },
  { id: 'expires', head: 'Ends', width: '12rem', cell: ({ revoked, expires }) => (revoked != null ? <>revoked <Time at={revoked} ago /></> : expires == null ? <span className={classes.faint}>never</span> : <Time at={expires} />) },
  { id: 'used', head: 'Used', width: '8.5rem', cell: ({ last_used: used }) => (used == null ? <span className={classes.faint}>never</span> : <Time at={used} ago />) },
  { id: 'made', head: 'Made', cell: ({ created, by }) => <><Time at={created} ago />{by != null && <small>by {by}</small>}</> },
];

export function TokensTab() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const now = useNow();
  const { data, error, refetch } = useTokens();
  const mayChange = useMay('manage-access');
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const isOver = (token: Token) => ['revoked', 'expired'].includes(tokenStanding(token, now).word);
  const over = data?.filter(isOver).length ?? 0;
  const shown = search.over === undefined ? data?.filter((token) => !isOver(token)) : data;
  const action: Column<Token> = {
    id: 'actions', head: 'Actions', bare: true, width: '6rem',
    cell: (token) => token.revoked == null && <Button size="compact-xs" variant="default" aria-label={`Revoke ${token.user}`} onClick={() => setRevoking(token)}>Revoke</Button>,
  };
  return (
    <>
      <div className={classes.line}>
        <span className={page.count} role="status">{shown !== undefined && `${formatCount(shown.length)} ${shown.length === 1 ? 'token' : 'tokens'}`}</span>
        <span className={classes.tools}>
          <Switch
            size="xs" label={over > 0 ? `Show what is over (${over})` : 'Show what is over'} checked={search.over !== undefined}
            onChange={(event) => void navigate({ to: '/access/tokens', search: event.currentTarget.checked ? { over: 'yes' } : {}, resetScroll: false })}
          />
          {mayChange && <Button size="xs" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setMaking(true)}>New token</Button>}
        </span>
      </div>
      <section className={page.frame} aria-label="Tokens">
        {shown === undefined && <div className={page.pad}>{error === null ? <Loading rows={8} height={26} /> : <Failure error={error} retry={() => void refetch()} />}</div>}
        {shown?.length === 0 && <Empty icon={<IconKey size={21} stroke={1.7} />} title="No token is of use">{mayChange ? 'Make one for a program that works with the hub.' : null}</Empty>}
        {shown !== undefined && shown.length > 0 && <DataTable label="Tokens" columns={mayChange ? [...COLUMNS, action] : COLUMNS} rows={shown} rowKey={({ user, created }) => `${user} ${created}`} />}
      </section>
      <CommandLine command="ironcore-backup token list" />
      {making && <CreateToken onClose={() => setMaking(false)} />}
      {revoking !== null && <Revoke token={revoking.user} onClose={() => setRevoking(null)} />}
    </>
  );
}

function Revoke({ token, onClose }: { token: string; onClose: () => void }) {
  const revoke = useRevokeToken();
  return (
    <Ask title={`Revoke ${token}`} confirm="Revoke" danger busy={revoke.isPending} error={revoke.error} onConfirm={() => revoke.mutate(token, { onSuccess: () => { onClose(); tellDone(`${token} is revoked`); } })} onClose={onClose}>
      Whatever works with this token is refused from now on. That cannot be taken back; another token can be made.
    </Ask>
  );
}
