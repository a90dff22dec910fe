// How the pages look in this browser, and what the hub is: its version, services, limits and copies of its own state.
import { Radio, Stack, useMantineColorScheme } from '@mantine/core';
import { Link } from '@tanstack/react-router';

import { useDatastores } from '../api/datastores';
import { useHubBackups, useStatus } from '../api/hub';
import type { HubStatus } from '../api/model';
import { useMay, useSession } from '../api/rights';
import { roleAt } from '../access/words';
import { browserZone, offsetOf } from '../format/time';
import { useZone } from '../shell/zone';
import { Limits } from '../statistics/Limits';
import { Callout } from '../ui/Callout';
import { CommandLine, CopyButton } from '../ui/Copy';
import { Facts } from '../ui/Facts';
import { useNow } from '../ui/now';
import page from '../ui/Page.module.css';
import { Failure, Loading, PageHead, Panel } from '../ui/Panel';
import { Tag } from '../ui/Tag';
import { Bytes, Time } from '../ui/Time';
import { clockInWords } from './clock';
import classes from './settings.module.css';

const SCHEMES = [{ value: 'auto', label: 'As the system has them' }, { value: 'light', label: 'Light' }, { value: 'dark', label: 'Dark' }] as const;

export function SettingsPage() {
  const datastores = useDatastores();
  const mayBackUp = useMay('back-up-hub');
  return (
    <>
      <PageHead title="Settings" />
      <div className={page.stack}>
        <Panel title="In this browser">
          <div className={classes.choices}><Zone /><Colours /></div>
        </Panel>
        <Hub />
        <Limits datastores={datastores.data ?? []} />
        {mayBackUp && <Copies />}
        <CommandLine command="ironcore-backup status --services" />
      </div>
    </>
  );
}

function Zone() {
  const { choice, choose } = useZone();
  const local = browserZone();
  const offset = offsetOf(new Date(useNow()), local);
  return (
    <Radio.Group label="Times are shown in" description="Schedules of jobs go by their own zones." value={choice} onChange={(value) => choose(value === 'utc' ? 'utc' : 'local')}>
      <Stack gap={8} mt="xs">
        <Radio size="sm" value="local" label={`This browser’s zone, ${local.replaceAll('_', ' ')}${local === 'UTC' ? '' : ` (UTC${offset})`}`} />
        <Radio size="sm" value="utc" label="UTC" />
      </Stack>
    </Radio.Group>
  );
}

function Colours() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Radio.Group label="Colours" description="Kept in this browser, like the zone." value={colorScheme} onChange={(value) => setColorScheme(SCHEMES.find((each) => each.value === value)?.value ?? 'auto')}>
      <Stack gap={8} mt="xs">{SCHEMES.map((each) => <Radio key={each.value} size="sm" value={each.value} label={each.label} />)}</Stack>
    </Radio.Group>
  );
}

/** A service is there when one process at least does it. */
function servicesOf(status: HubStatus) {
  const names = [...new Set(status.services.map(({ service }) => service))];
  return names.map((name) => ({ name, online: status.services.some(({ service, state }) => service === name && state === 'online') }));
}

function Hub() {
  const session = useSession();
  const { data: status, error, refetch, dataUpdatedAt } = useStatus();
  if (status === undefined) return <Panel title="The hub">{error === null ? <Loading rows={6} height={22} /> : <Failure error={error} retry={() => void refetch()} />}</Panel>;
  const services = servicesOf(status);
  const clock = clockInWords(dataUpdatedAt - Date.parse(status.time));
  const faults = status.template_faults ?? [];
  return (
    <Panel title="The hub">
      <div className={page.stack}>
        {clock !== null && <Callout kind="warning"><p>{clock}</p></Callout>}
        {faults.length > 0 && (
          <Callout kind="warning" title="Templates of the hub’s folder are not used, for something is wrong with them">
            {faults.map((fault) => <p key={fault}><code>{fault}</code></p>)}
          </Callout>
        )}
        <Facts
          facts={[
            ['Name', status.hub.name],
            ['Version', status.hub.version],
            ['Id', <span key="id" className={classes.id}><code>{status.hub.id}</code><CopyButton value={status.hub.id} what="id" /></span>],
            ['Address', window.location.origin],
            ['Its time', <Time key="time" at={status.time} />],
            session === undefined ? null : ['Signed in', <>{session.user}<small>{roleAt(session)}</small></>],
            ['Services', <span key="services" className={classes.services}>{services.map(({ name, online }) => <Tag key={name} kind={online ? 'ok' : 'failed'} title={online ? 'It is at work.' : 'No process does it.'}>{name}{online ? '' : ': nobody'}</Tag>)} <Link to="/workers">Workers</Link></span>, true],
          ]}
        />
      </div>
    </Panel>
  );
}

function Copies() {
  const { data, error, refetch } = useHubBackups(true);
  const newest = data?.archives[0];
  return (
    <Panel title="Copies of the hub’s own state" count={data?.archives.length}>
      {data === undefined && (error === null ? <Loading rows={2} height={22} /> : <Failure error={error} retry={() => void refetch()} />)}
      {data !== undefined && newest === undefined && <p className={classes.note}>There is none. <code>ironcore-backup hub backup</code> makes one.</p>}
      {newest !== undefined && <Facts facts={[['Newest', <Time key="made" at={newest.made} ago />], ['Size', <Bytes key="bytes" value={newest.bytes} />], ['File, on the hub’s machine', <code key="path">{newest.path}</code>]]} />}
    </Panel>
  );
}
