//! Rows of the ledger as the API shows them.

use ironcore_ledger::model::{self, LogLine, Session, VerificationRow, Waiting};
use ironcore_types::event::{ErrorData, Tip};
use ironcore_types::verification::{VerifyDepth, VerifyFailure};
use ironcore_types::{Span, Timestamp, Upid, VerifyResult};

use crate::access::Access;
use crate::state::ApiState;
use crate::wire::{
    self, AnswerHeader, Attempt, Exchange, FailingHandler, LogEntry, LogLevel, Message, MessageState,
    SentRequest, SequencedEvent, Service, ServiceState, Task, Token, Verification, VerificationReport,
};

/// A task without its warnings and tips, as lists show it.
pub(crate) fn task_row(task: model::Task, waiting: Option<Waiting>) -> Task {
    Task {
        task_type: task.task_type(),
        bytes: task.bytes(),
        source: task.spec.source(),
        target: task.spec.target(),
        upid: task.upid,
        state: task.state,
        status: task.state.shown().to_owned(),
        project: task.project,
        job: task.job,
        user: task.user,
        cancelled_by: task.cancel_by,
        retry_of: task.retry_of,
        retried_by: None,
        attempt: task.attempt,
        node: task.node,
        queued: task.queued,
        started: task.started,
        ended: task.ended,
        stats: task.stats,
        progress: task.progress,
        warnings: Vec::new(),
        warning_count: task.warning_count,
        error: task.error,
        queue_position: waiting.as_ref().and_then(|waiting| waiting.position),
        waiting: waiting.map(|waiting| waiting.reason.to_string()),
        tips: Vec::new(),
    }
}

/// A task with everything.
pub(crate) fn task_detail(
    mut task: model::Task,
    waiting: Option<Waiting>,
    retried_by: Option<Upid>,
    tips: Vec<Tip>,
) -> Task {
    let warnings = std::mem::take(&mut task.warnings);
    Task {
        warnings,
        retried_by,
        tips,
        ..task_row(task, waiting)
    }
}

pub(crate) fn log_entry(line: LogLine) -> LogEntry {
    LogEntry {
        line: line.line,
        time: line.time,
        level: match line.level {
            model::LogLevel::Info => LogLevel::Info,
            model::LogLevel::Warn => LogLevel::Warn,
            model::LogLevel::Error => LogLevel::Error,
        },
        text: line.text,
    }
}

pub(crate) fn sequenced(event: model::SeqEvent) -> SequencedEvent {
    SequencedEvent {
        seq: event.seq,
        event: event.event,
    }
}

pub(crate) fn token(token: model::Token) -> Token {
    Token {
        user: token.user,
        role: token.role,
        project: token.project,
        comment: token.comment,
        created: token.created,
        expires: token.expires,
        revoked: token.revoked,
        by: token.by,
        last_used: token.last_used,
    }
}

/// One line for each service of each session, and one for each service that no session has.
pub(crate) fn services(sessions: &[Session]) -> Vec<Service> {
    let mut lines = Vec::new();
    for service in model::Service::ALL {
        let before = lines.len();
        let with = sessions
            .iter()
            .filter(|session| session.ended.is_none() && session.services.contains(service));
        lines.extend(with.map(|session| Service {
            service: service.as_str().to_owned(),
            state: match session.silent {
                true => ServiceState::Silent,
                false => ServiceState::Online,
            },
            node: Some(session.node.clone()),
            pid: Some(session.pid),
            session: Some(session.id),
            started: Some(session.started),
            types: session.types.clone(),
            running: session.running,
        }));
        if lines.len() == before {
            lines.push(Service {
                service: service.as_str().to_owned(),
                state: ServiceState::Offline,
                node: None,
                pid: None,
                session: None,
                started: None,
                types: Vec::new(),
                running: 0,
            });
        }
    }
    lines
}

/// What a result means today: OK turns STALE when it is older than `keep`.
pub(crate) fn result_now(row: &VerificationRow, keep: Span, now: Timestamp) -> VerifyResult {
    match row.report.result {
        VerifyResult::Ok if now.since(row.report.started) > keep.duration() => VerifyResult::Stale,
        found => found,
    }
}

pub(crate) fn verification(row: VerificationRow, keep: Span, now: Timestamp) -> Verification {
    Verification {
        result: result_now(&row, keep, now),
        found: row.report.result,
        started: row.report.started,
        duration_us: row.report.duration_us,
        depth: row.report.depth,
        verifier: row.job,
        upid: Some(row.upid),
        chunks: row.report.chunks,
        failure: row.report.failure,
    }
}

/// A verification as a list of reports shows it.
pub(crate) fn report(row: VerificationRow, keep: Span, now: Timestamp) -> VerificationReport {
    VerificationReport {
        snapshot: row.snapshot(),
        result: result_now(&row, keep, now),
        found: row.report.result,
        started: row.report.started,
        duration_us: row.report.duration_us,
        depth: row.report.depth,
        chunks: row.report.chunks,
        failure: row.report.failure,
        verifier: row.job,
        upid: row.upid,
    }
}

/// A manifest that was found bad while it was shown, told like a verification; no task found it.
pub(crate) fn bad_manifest(failure: VerifyFailure, now: Timestamp) -> Verification {
    Verification {
        result: VerifyResult::Corrupt,
        found: VerifyResult::Corrupt,
        started: now,
        duration_us: 0,
        depth: VerifyDepth::Stored,
        verifier: None,
        upid: None,
        chunks: 0,
        failure: Some(failure),
    }
}

pub(crate) fn message_state(state: model::MessageState) -> MessageState {
    match state {
        model::MessageState::Pending => MessageState::Pending,
        model::MessageState::Sending => MessageState::Sending,
        model::MessageState::Delivered => MessageState::Delivered,
        model::MessageState::Dead => MessageState::Dead,
    }
}

pub(crate) fn listed_message(listed: model::ListedMessage) -> Message {
    message(listed.message, listed.events)
}

/// A message that tells of so many events.
pub(crate) fn message(message: model::Message, events: u64) -> Message {
    Message {
        id: message.id,
        project: message.handler.project,
        group: message.handler.group,
        handler: message.handler.handler,
        plugin: message.plugin,
        recipient: message.recipient,
        kind: message.kind,
        thread: message.thread,
        state: message_state(message.state),
        events,
        attempts: message.attempts,
        created: message.created,
        next_attempt: (message.state == model::MessageState::Pending).then_some(message.due),
        ended: message.ended,
        error: message.error,
        receipt: message.receipt,
        replay: message.replay,
    }
}

pub(crate) fn failing(health: model::HandlerHealth) -> FailingHandler {
    FailingHandler {
        project: health.handler.project,
        group: health.handler.group,
        handler: health.handler.handler,
        failing_since: health.failing_since,
        disabled: health.disabled,
        error: health.error,
    }
}

pub(crate) fn attempt(attempt: model::Attempt) -> Attempt {
    use model::AttemptOutcome as Outcome;
    let (outcome, error, retry_at) = match attempt.outcome {
        Outcome::Delivered { .. } => ("delivered", None, None),
        Outcome::Retry { at, reason, code, .. } => (
            "retry",
            Some(ErrorData {
                code,
                message: reason,
            }),
            Some(at),
        ),
        Outcome::Exhausted { reason, code } => (
            "exhausted",
            Some(ErrorData {
                code,
                message: reason,
            }),
            None,
        ),
        Outcome::Rejected { reason, code, .. } => (
            "rejected",
            Some(ErrorData {
                code,
                message: reason,
            }),
            None,
        ),
        Outcome::Lost => ("lost", None, None),
    };
    Attempt {
        number: attempt.number,
        outcome: outcome.to_owned(),
        started: attempt.started,
        ended: attempt.ended,
        status: attempt.status,
        error,
        retry_at,
        exchanges: attempt.exchanges.into_iter().map(exchange).collect(),
        detail: attempt.detail,
    }
}

fn exchange(exchange: model::Exchange) -> Exchange {
    let header = |(name, value)| AnswerHeader { name, value };
    Exchange {
        request: exchange.request,
        sent: exchange.sent.map(|sent| SentRequest {
            headers: sent.headers.into_iter().map(header).collect(),
            body: sent.body,
            truncated: sent.truncated,
        }),
        status: exchange.status,
        latency_us: exchange.latency_us,
        headers: exchange.headers.into_iter().map(header).collect(),
        body: exchange.body,
        truncated: exchange.truncated,
        error: exchange.error,
    }
}

/// Who is asking, and what that allows.
pub(crate) fn session(state: &ApiState, access: Access) -> wire::Session {
    let rights = access.rights.iter().filter(|right| access.may(*right)).collect();
    wire::Session {
        user: access.user,
        rights,
        role: access.role,
        project: access.project,
        hub: state.hub(),
    }
}

pub(crate) fn grant(grant: model::Grant) -> wire::Grant {
    wire::Grant {
        role: grant.role,
        project: grant.project,
        granted: grant.granted,
        by: grant.by,
    }
}

pub(crate) fn user(user: model::User) -> wire::User {
    wire::User {
        user: user.user,
        name: user.name,
        email: user.email,
        enabled: user.disabled.is_none(),
        created: user.created,
        created_by: user.created_by,
        password_set: user.password_set,
        second_factor: user.second_factor,
        last_login: user.last_login,
        locked_until: user.locked_until,
        grants: user.grants.into_iter().map(grant).collect(),
    }
}

pub(crate) fn role(role: model::RoleRow) -> wire::Role {
    wire::Role {
        name: role.name,
        rights: role.rights,
        comment: role.comment,
        built_in: role.created.is_none(),
    }
}

pub(crate) fn change(entry: model::AuditEntry) -> wire::AuditEntry {
    wire::AuditEntry {
        number: entry.number,
        time: entry.time,
        user: entry.user,
        address: entry.address.map(|address| address.to_string()),
        request: entry.request,
        action: entry.action,
        object: entry.object,
        project: entry.project,
        before: entry.before,
        after: entry.after,
    }
}
