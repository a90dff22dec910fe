// One incident in full: who is affected, what happened, who was told and what comes next; acknowledging and closing it.
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { IconCheck, IconCircleCheck, IconUserCheck } from '@tabler/icons-react';
import { useState } from 'react';

import { useIncident, useIncidentAction } from '../api/incidents';
import { type Incident, type IncidentDetail, type IncidentMember, shortType } from '../api/model';
import { refusal, useSession } from '../api/rights';
import { formatCount } from '../format/bytes';
import { Ask } from '../ui/Ask';
import { CommandLine } from '../ui/Copy';
import { Failure, Loading } from '../ui/Panel';
import { SeverityBadge, SeveritySign, Tag } from '../ui/Severity';
import { Facts, Section, SidePanel } from '../ui/SidePanel';
import { Time } from '../ui/Time';
import { tellDone } from '../ui/Trouble';
import { IncidentNotices } from './IncidentNotices';
import { IncidentState, standing } from './IncidentList';
import classes from './IncidentPanel.module.css';
import { endingInWords, readMember } from './members';

export function IncidentPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error, refetch } = useIncident(id);
  return (
    <SidePanel
      title={data === undefined ? 'Incident' : `Incident ${data.incident.number}`}
      badge={data !== undefined && <><IncidentState incident={data.incident} /><SeverityBadge severity={data.incident.severity} /></>}
      path={`/incidents/${id}`}
      onClose={onClose}
    >
      {data === undefined ? (error === null ? <Loading rows={8} height={24} /> : <Failure error={error} retry={() => void refetch()} />) : <Body detail={data} />}
    </SidePanel>
  );
}

function Body({ detail }: { detail: IncidentDetail }) {
  const { incident, members, events } = detail;
  return (
    <>
      <h3 className={classes.title}>{incident.title}</h3>
      <Standing incident={incident} />
      {incident.state !== 'ended' && <Actions incident={incident} />}
      <Facts
        facts={[
          ['Cause', <code key="cause">{incident.cause}</code>],
          ['Project', incident.project ?? 'the hub’s own'],
          ['Began', <Time key="began" at={incident.opened} />],
          ['Last seen', <Time key="seen" at={incident.last_seen} />],
          ['Ended', incident.ended == null ? null : <><Time at={incident.ended} />, {endingInWords(incident.ending)}</>],
          ['Events of trouble', formatCount(incident.events)],
          ['Affected', standing(incident)],
        ]}
      />
      <Section title="Affected">
        <ul className={classes.rows}>{members.map((member) => <MemberRow key={member.member} member={member} />)}</ul>
        {incident.affected > members.length && <p className={classes.note}>{formatCount(incident.affected - members.length)} more are not listed.</p>}
      </Section>
      <IncidentNotices incident={incident} notices={detail.notices} />
      <Section title="Events">
        <ul className={classes.rows}>
          {events.map(({ seq, event }) => (
            <li key={seq}>
              <SeveritySign severity={event.data.severity} />
              <span className={classes.what}>
                <Link to="/inbox/$seq" params={{ seq: String(seq) }} search={{}}>{event.data.title}</Link>
                <small>{shortType(event.type)} · <Time at={event.time} /></small>
              </span>
            </li>
          ))}
        </ul>
        {incident.events > events.length && <p className={classes.note}>The newest {formatCount(events.length)} of {formatCount(incident.events)} are listed.</p>}
      </Section>
      <CommandLine command={`ironcore-backup incident show ${incident.number}`} />
    </>
  );
}

function Standing({ incident }: { incident: Incident }) {
  const { acknowledged, closed } = incident;
  return (
    <>
      {acknowledged != null && (
        <p className={classes.line}>
          <IconUserCheck size={17} stroke={1.9} aria-hidden />
          <span>{acknowledged.by} sees to it, since <Time at={acknowledged.at} />{acknowledged.comment != null && <q>{acknowledged.comment}</q>}</span>
        </p>
      )}
      {closed != null && (
        <p className={classes.line}>
          <IconCircleCheck size={17} stroke={1.9} aria-hidden />
          <span>Closed by {closed.by}{closed.comment != null && <q>{closed.comment}</q>}</span>
        </p>
      )}
    </>
  );
}

function MemberRow({ member }: { member: IncidentMember }) {
  const { what, name, project, job } = readMember(member.member);
  return (
    <li>
      <span className={classes.what}>
        {job !== undefined ? <Link to="/tasks" search={{ job }}>{name}</Link> : <span>{name}</span>}
        <small>
          {what}{what !== '' && project !== undefined && job === undefined && ` of ${project}`}
          {what !== '' && ' · '}failed {member.failures === 1 ? 'once' : `${formatCount(member.failures)} times`}
        </small>
      </span>
      {member.failing ? <Tag kind="failed">still fails</Tag> : <Tag kind="ok"><IconCheck size={13} stroke={2.4} aria-hidden /> well again</Tag>}
    </li>
  );
}

function Actions({ incident }: { incident: Incident }) {
  const session = useSession();
  const acknowledge = useIncidentAction('acknowledge');
  const close = useIncidentAction('close');
  const [asked, setAsked] = useState<'acknowledge' | 'close' | null>(null);
  const reason = refusal(session, 'acknowledge');
  const leave = () => {
    setAsked(null);
    acknowledge.reset();
    close.reset();
  };
  return (
    <>
      <div className={classes.actions}>
        {incident.state === 'open' && (
          <Button size="xs" disabled={reason !== null} leftSection={<IconUserCheck size={16} stroke={1.9} />} onClick={() => setAsked('acknowledge')}>Acknowledge</Button>
        )}
        <Button size="xs" variant="default" disabled={reason !== null} leftSection={<IconCircleCheck size={16} stroke={1.9} />} onClick={() => setAsked('close')}>Close</Button>
        {reason !== null && <span className={classes.note}>{reason}</span>}
      </div>
      {asked === 'acknowledge' && (
        <Ask
          title={`Acknowledge incident ${incident.number}`} confirm="Acknowledge" comment="What you are doing about it"
          busy={acknowledge.isPending} error={acknowledge.error} onClose={leave}
          onConfirm={(comment) => acknowledge.mutate({ id: incident.id, comment }, { onSuccess: () => { leave(); tellDone('Acknowledged', 'It is neither told again nor escalated, until it becomes worse.'); } })}
        >
          Everybody sees that you see to it. It is neither told again nor escalated, until it becomes worse or more are affected.
        </Ask>
      )}
      {asked === 'close' && (
        <Ask
          title={`Close incident ${incident.number}`} confirm="Close it" danger comment="Why it is over"
          busy={close.isPending} error={close.error} onClose={leave}
          onConfirm={(comment) => close.mutate({ id: incident.id, comment }, { onSuccess: () => { leave(); tellDone('Closed', 'What fails of the same cause later is a new incident.'); } })}
        >
          <p>Meant for trouble that nothing else ends, such as the loss of a worker on a machine that was taken away. {standing(incident)}.</p>
          <p>Handlers that were told of it are told that you closed it. What fails of the same cause later is a new incident.</p>
        </Ask>
      )}
    </>
  );
}
