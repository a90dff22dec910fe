// Making an API token. Its secret is shown once, here.
import { NativeSelect, TextInput } from '@mantine/core';
import { useId, useState } from 'react';

import { useCreateToken, useUsers } from '../api/access';
import type { CreatedToken } from '../api/model';
import { useSession } from '../api/rights';
import { fromZoned } from '../format/time';
import { useZone } from '../shell/zone';
import { Ask, Fields } from '../ui/Ask';
import { Callout } from '../ui/Callout';
import { CopyBox } from '../ui/Copy';
import { NO_ROLE, RoleFields } from './RoleFields';
import { fullUser, ownerOf } from './words';

const DAY = 86_400_000;
const SPANS = [
  { value: '7', label: 'a week' }, { value: '30', label: '30 days' }, { value: '90', label: '90 days' }, { value: '365', label: 'a year' },
  { value: 'at', label: 'until a time' }, { value: 'never', label: 'without end' },
];

export function CreateToken({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const { zone } = useZone();
  const list = useId();
  const users = useUsers().data ?? [];
  const create = useCreateToken();
  const [owner, setOwner] = useState(ownerOf(session?.user ?? ''));
  const [name, setName] = useState('');
  const [comment, setComment] = useState('');
  const [role, setRole] = useState(NO_ROLE);
  const [span, setSpan] = useState('90');
  const [until, setUntil] = useState('');
  const [tried, setTried] = useState(false);
  const faults = {
    owner: owner.trim() === '' ? 'Whose is it?' : null,
    name: /^[^\s@!:/]+$/.test(name.trim()) ? null : name.trim() === '' ? 'The name is missing.' : 'A name has no spaces and none of @ ! : /',
    role: role.role === '' ? 'Choose a role.' : null,
    until: span === 'at' && until === '' ? 'Until when?' : null,
  };
  const expires = () => {
    if (span === 'never') return null;
    return span === 'at' ? fromZoned(until, zone) : new Date(Date.now() + Number(span) * DAY).toISOString();
  };
  const submit = () => {
    setTried(true);
    if (Object.values(faults).some((fault) => fault !== null)) return;
    create.mutate({ user: `${fullUser(owner)}!${name.trim()}`, role: role.role, project: role.project === '' ? null : role.project, comment: comment.trim() === '' ? null : comment.trim(), expires: expires() });
  };
  if (create.data !== undefined) return <Made made={create.data} onClose={onClose} />;
  return (
    <Ask title="New token" confirm="Make token" busy={create.isPending} error={create.error} onConfirm={submit} onClose={onClose}>
      <Fields>
        <TextInput label="User" description="It may never do more than this user may; of a name that is no user’s it goes by its role alone" value={owner} error={tried ? faults.owner : null} list={list} autoComplete="off" spellCheck={false} onChange={(event) => setOwner(event.currentTarget.value)} />
        <datalist id={list}>{users.map(({ user }) => <option key={user} value={user} />)}</datalist>
        <TextInput label="Name of the token" description="Such as laptop or ci" value={name} error={tried ? faults.name : null} autoComplete="off" spellCheck={false} data-autofocus onChange={(event) => setName(event.currentTarget.value)} />
        <RoleFields value={role} none="Choose one" error={tried ? faults.role : null} onChange={setRole} />
        <NativeSelect label="How long it is good" value={span} data={SPANS} onChange={(event) => setSpan(event.currentTarget.value)} />
        {span === 'at' && <TextInput type="datetime-local" label={`Until (${zone})`} value={until} error={tried ? faults.until : null} onChange={(event) => setUntil(event.currentTarget.value)} />}
        <TextInput label="What it is for" description="May be empty" value={comment} onChange={(event) => setComment(event.currentTarget.value)} />
      </Fields>
    </Ask>
  );
}

/** Nothing but the button closes it: the secret is gone then. */
function Made({ made: { token, secret }, onClose }: { made: CreatedToken; onClose: () => void }) {
  return (
    <Ask title={`The secret of ${token.user}`} confirm="I have kept it" busy={false} error={null} onConfirm={onClose}>
      <Fields>
        <Callout kind="warning"><p>It is shown this once. The hub keeps only its fingerprint, so nobody can look it up later.</p></Callout>
        <CopyBox value={secret} what="secret" />
        <p>Programs send it as <code>Authorization: Bearer SECRET</code>; the command line takes it from a file with <code>--token-file</code>.</p>
      </Fields>
    </Ask>
  );
}
