//! The life of tasks against a model: whatever is done in whatever order, the ledger says what the model says.

use anyhow::{Context, Result, ensure};
use ironcore_ledger::LedgerError;
use ironcore_ledger::model::{Cancelled, Outcome, Page, RenewalState, TaskFilter};
use ironcore_types::event::ErrorData;
use ironcore_types::objects::Job;
use ironcore_types::{ErrorCode, EventType, SessionId, TaskId, TaskState, TaskType, Timestamp};
use proptest::prelude::*;
use serde_json::json;

use super::{Place, World, user};

/// Something that somebody does. Sessions and tasks are picked by number, modulo how many there are.
#[derive(Debug, Clone)]
pub enum Step {
    /// A person asks for a task; of the job with retries when true.
    Enqueue(bool),
    /// A worker asks for tasks.
    Claim(usize, u32),
    /// A worker says that a task ended.
    Finish(usize, usize, TaskState),
    /// A person asks for a task's end.
    Cancel(usize),
    /// A worker renews all it thinks it has.
    Renew(usize),
    /// Seconds pass.
    Advance(u64),
    /// Somebody looks for leases that ran out.
    Reap,
    /// The hub stops and starts again, without a word to anybody.
    Reopen,
}

/// Steps in any order.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let state = prop::sample::select(vec![
        TaskState::Ok,
        TaskState::Warning,
        TaskState::Failed,
        TaskState::Failed,
        TaskState::Cancelled,
        TaskState::Running,
    ]);
    let step = prop_oneof![
        4 => any::<bool>().prop_map(Step::Enqueue),
        4 => (0..2_usize, 1..4_u32).prop_map(|(s, n)| Step::Claim(s, n)),
        5 => (0..2_usize, any::<usize>(), state).prop_map(|(s, t, state)| Step::Finish(s, t, state)),
        2 => any::<usize>().prop_map(Step::Cancel),
        2 => (0..2_usize).prop_map(Step::Renew),
        3 => (1..40_u64).prop_map(Step::Advance),
        2 => Just(Step::Reap),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

#[derive(Debug, Clone)]
struct Modelled {
    id: TaskId,
    of_job: bool,
    attempt: u32,
    state: TaskState,
    not_before: Timestamp,
    session: Option<SessionId>,
    cancel: bool,
    retry_of: Option<TaskId>,
    ran: bool,
}

struct Model {
    tasks: Vec<Modelled>,
    sessions: [(SessionId, Timestamp); 2],
    job: Job,
}

const LEASE: u64 = 30;
/// Who has just opened a shared ledger waits for so long before it takes leases away.
const ALL_RENEW: u64 = 15;

impl Model {
    fn at(&self, pick: usize) -> Option<usize> {
        (!self.tasks.is_empty()).then(|| pick % self.tasks.len())
    }

    /// What a claim must give.
    fn claimable(&self, now: Timestamp, n: u32) -> Vec<usize> {
        let ready = |t: &Modelled| t.state == TaskState::Queued && t.not_before <= now;
        let job_runs = self
            .tasks
            .iter()
            .any(|t| t.of_job && t.state == TaskState::Running);
        let first_of_job = self.tasks.iter().find(|t| t.of_job && ready(t)).map(|t| t.id);
        let may = |t: &Modelled| ready(t) && (!t.of_job || (!job_runs && first_of_job == Some(t.id)));
        let all = self
            .tasks
            .iter()
            .enumerate()
            .filter(|(_, t)| may(t))
            .map(|(at, _)| at);
        all.take(n as usize).collect()
    }

    /// Ends a task and enqueues its retry; `id` is the number that the ledger gave it.
    fn end(&mut self, at: usize, state: TaskState, now: Timestamp, next_id: Option<TaskId>) -> Result<()> {
        let task = &mut self.tasks[at];
        task.state = state;
        let retried =
            task.of_job && state == TaskState::Failed && !task.cancel && task.attempt <= self.job.retries;
        let next = Modelled {
            attempt: task.attempt + 1,
            state: TaskState::Queued,
            not_before: now.after(self.job.retry_delay.duration() * 2_u32.pow(task.attempt - 1)),
            session: None,
            cancel: false,
            retry_of: Some(task.id),
            ran: false,
            ..task.clone()
        };
        ensure!(
            retried == next_id.is_some(),
            "retried: {retried}, by the ledger: {next_id:?}"
        );
        if let Some(id) = next_id {
            self.tasks.push(Modelled { id, ..next });
        }
        Ok(())
    }
}

fn outcome(state: TaskState) -> Outcome {
    let error = ErrorData {
        code: ErrorCode::SourceUnreachable,
        message: "no route".to_owned(),
    };
    Outcome {
        error: (state == TaskState::Failed).then_some(error),
        ..Outcome::new(state)
    }
}

/// Does the steps on a ledger and on the model, and compares.
pub async fn follows_the_model(place: &dyn Place, steps: Vec<Step>) -> Result<()> {
    let mut world = World::new(place).await?;
    let job = world
        .job("nightly", json!({ "retries": 2, "retry-delay": "10s" }))
        .await?;
    let now = world.clock.time();
    let until = now.after(std::time::Duration::from_secs(LEASE));
    let sessions = [(world.worker().await?, until), (world.worker().await?, until)];
    let mut model = Model {
        tasks: Vec::new(),
        sessions,
        job,
    };
    for step in steps {
        act(&mut world, place, &mut model, step.clone())
            .await
            .with_context(|| format!("{step:?}"))?;
    }
    compare(&world, &model).await
}

async fn act(world: &mut World, place: &dyn Place, model: &mut Model, step: Step) -> Result<()> {
    let now = world.clock.time();
    match step {
        Step::Advance(seconds) => world.clock.advance(seconds),
        Step::Reopen => {
            world.ledger.close().await;
            world.ledger = place.open(world.seams.clone()).await?;
        }
        Step::Enqueue(of_job) => {
            let task = if of_job {
                world.enqueue_job(&model.job).await?
            } else {
                world.enqueue().await?
            };
            model.tasks.push(Modelled {
                id: task.id,
                of_job,
                attempt: 1,
                state: TaskState::Queued,
                not_before: now,
                session: None,
                cancel: false,
                retry_of: None,
                ran: false,
            });
        }
        Step::Claim(s, n) => {
            let session = model.sessions[s].0;
            let wanted = model.claimable(now, n);
            let got = world.ledger.claim(session, TaskType::ALL, n).await?;
            let ids: Vec<_> = got.iter().map(|t| t.id).collect();
            ensure!(
                ids == wanted.iter().map(|at| model.tasks[*at].id).collect::<Vec<_>>(),
                "{ids:?}"
            );
            for at in wanted {
                model.tasks[at].state = TaskState::Running;
                model.tasks[at].session = Some(session);
                model.tasks[at].ran = true;
            }
        }
        Step::Finish(s, pick, state) => {
            let Some(at) = model.at(pick) else { return Ok(()) };
            let session = model.sessions[s].0;
            let task = model.tasks[at].clone();
            let result = world.ledger.finish(task.id, session, outcome(state)).await;
            let held = task.state == TaskState::Running && task.session == Some(session);
            match result {
                Err(LedgerError::Refused { .. }) => ensure!(!state.is_final()),
                Err(LedgerError::Fenced(_)) => ensure!(!held && state.is_final()),
                Err(error) => return Err(error.into()),
                Ok(done) => {
                    ensure!(
                        held && task.state.may_become(state),
                        "a finish that should be fenced"
                    );
                    model.end(at, state, now, done.follow_ups.first().copied())?;
                }
            }
        }
        Step::Cancel(pick) => {
            let Some(at) = model.at(pick) else { return Ok(()) };
            let task = &mut model.tasks[at];
            let upid = world
                .ledger
                .task_by_id(task.id)
                .await?
                .context("a task of the model")?
                .upid;
            let wanted = match task.state {
                TaskState::Queued => Cancelled::AtOnce,
                TaskState::Running => Cancelled::Requested,
                state => Cancelled::AlreadyFinal(state),
            };
            ensure!(world.ledger.cancel(&upid, &user()?).await? == wanted);
            task.cancel |= !task.state.is_final();
            if task.state == TaskState::Queued {
                task.state = TaskState::Cancelled;
            }
        }
        Step::Renew(s) => {
            let (session, until) = &mut model.sessions[s];
            let session = *session;
            let ids: Vec<_> = model.tasks.iter().map(|t| t.id).collect();
            let renewals = world.ledger.renew(session, &ids).await?;
            ensure!(renewals.session_alive);
            *until = now.after(std::time::Duration::from_secs(LEASE));
            for (task, renewal) in model.tasks.iter().zip(renewals.tasks) {
                let held = task.state == TaskState::Running && task.session == Some(session);
                let wanted = match (held, task.cancel) {
                    (false, _) => RenewalState::Lost,
                    (true, true) => RenewalState::CancelRequested,
                    (true, false) => RenewalState::Held,
                };
                ensure!(renewal.state == wanted, "{renewal:?}");
            }
        }
        Step::Reap => {
            let reach = world.ledger.within_reach();
            if place.is_shared() && reach < std::time::Duration::from_secs(ALL_RENEW) {
                ensure!(world.ledger.reap().await?.is_empty(), "others may renew yet");
            } else {
                reap(world, model, now).await?;
            }
        }
    }
    Ok(())
}

async fn reap(world: &World, model: &mut Model, now: Timestamp) -> Result<()> {
    let over: Vec<_> = model
        .sessions
        .iter()
        .filter(|(_, until)| *until <= now)
        .map(|(id, _)| *id)
        .collect();
    let lost = |t: &Modelled| t.state == TaskState::Running && t.session.is_some_and(|s| over.contains(&s));
    let mut wanted: Vec<_> = model.tasks.iter().filter(|t| lost(t)).map(|t| t.id).collect();
    let mut ended = world.ledger.reap().await?;
    ended.sort();
    wanted.sort();
    ensure!(ended == wanted, "{ended:?}");
    let all = world
        .ledger
        .tasks(&TaskFilter::default(), &Page::first(1_000))
        .await?
        .tasks;
    for id in wanted {
        let at = model
            .tasks
            .iter()
            .position(|t| t.id == id)
            .context("a task of the model")?;
        let state = if model.tasks[at].cancel {
            TaskState::Cancelled
        } else {
            TaskState::Failed
        };
        let retry = all
            .iter()
            .find(|t| t.retry_of.as_ref().is_some_and(|of| of.task == id));
        model.end(at, state, now, retry.map(|t| t.id))?;
        if let Some(next) = model.tasks.last_mut().filter(|_| retry.is_some()) {
            // Its worker is gone: there is nothing to wait for.
            next.not_before = now;
        }
    }
    model.tasks.sort_by_key(|t| t.id);
    for (session, until) in &mut model.sessions {
        if over.contains(session) {
            *session = world.worker().await?;
            *until = now.after(std::time::Duration::from_secs(LEASE));
        }
    }
    Ok(())
}

async fn compare(world: &World, model: &Model) -> Result<()> {
    let mut stored = world
        .ledger
        .tasks(&TaskFilter::default(), &Page::first(1_000))
        .await?
        .tasks;
    stored.reverse();
    ensure!(stored.len() == model.tasks.len());
    for (task, modelled) in stored.iter().zip(&model.tasks) {
        ensure!(task.id == modelled.id && task.state == modelled.state && task.attempt == modelled.attempt);
        ensure!(task.retry_of.as_ref().map(|of| of.task) == modelled.retry_of);
        ensure!(task.cancel_by.is_some() == modelled.cancel);
        ensure!(task.started.is_some() == modelled.ran && task.ended.is_some() == modelled.state.is_final());
        let mut told = vec![EventType::TaskQueued];
        told.extend(modelled.ran.then_some(EventType::TaskStarted));
        told.extend(match modelled.state {
            TaskState::Queued | TaskState::Running => None,
            TaskState::Ok => Some(EventType::TaskCompleted),
            TaskState::Warning => Some(EventType::TaskWarning),
            TaskState::Failed => Some(EventType::TaskFailed),
            TaskState::Cancelled => Some(EventType::TaskCancelled),
        });
        ensure!(
            world.told(task).await? == told,
            "each state is told once, in order"
        );
    }
    Ok(())
}
