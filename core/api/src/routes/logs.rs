//! Logs of tasks: in parts, as a text file, and as a stream.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use ironcore_ledger::LedgerError;
use ironcore_ledger::model::Task;
use ironcore_types::{TaskId, Upid};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Access;
use crate::error::ApiError;
use crate::extract::{self, Path, Query};
use crate::state::ApiState;
use crate::stream::{self, LogFeed};
use crate::view::log_entry;
use crate::wire::LogPage;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(page))
        .routes(routes!(text))
        .routes(routes!(follow))
}

/// Which lines are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct LogQuery {
    /// Only lines after this number; 0 or missing for the beginning.
    after: Option<u64>,
    /// At most this many; 1000 when missing, which is also the most.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A part of a task's log.
#[utoipa::path(
    get, path = "/api/v1/tasks/{upid}/log", tag = "logs", operation_id = "read_log",
    params(("upid" = Upid, Path, description = "Percent-encoded UPID."), LogQuery),
    responses((status = 200, body = LogPage))
)]
async fn page(
    State(state): State<ApiState>,
    access: Access,
    Path(upid): Path<Upid>,
    Query(query): Query<LogQuery>,
) -> Result<Json<LogPage>, ApiError> {
    let limit = extract::limit(query.limit, extract::MAX_LIMIT)?;
    // The state before the lines: a log that is read after the task's end is whole.
    let task = access.task(state.ledger(), &upid).await?;
    let after = query.after.unwrap_or(0);
    let lines = state.ledger().log_after(task.id, after, limit).await?;
    let full = lines.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let removed = lines.is_empty() && is_removed(&state, &task).await?;
    Ok(Json(LogPage {
        removed,
        next: lines.last().map_or(after, |line| line.line),
        done: task.state.is_final() && !full,
        lines: lines.into_iter().map(log_entry).collect(),
    }))
}

/// The whole log as a text file, the same bytes as the command line prints.
#[utoipa::path(
    get, path = "/api/v1/tasks/{upid}/log.txt", tag = "logs", operation_id = "download_log",
    params(("upid" = Upid, Path, description = "Percent-encoded UPID.")),
    responses((status = 200, content_type = "text/plain", body = String))
)]
async fn text(
    State(state): State<ApiState>,
    access: Access,
    Path(upid): Path<Upid>,
) -> Result<Response, ApiError> {
    let task = access.task(state.ledger(), &upid).await?;
    not_removed(&state, &task).await?;
    let (kind, number) = (task.task_type(), task.id);
    let name = format!("attachment; filename=\"{kind}-{number}.log\"");
    let head = [
        (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, name),
    ];
    Ok((head, Body::from_stream(whole(state, task.id))).into_response())
}

/// Refuses what is asked of a log that is gone.
async fn not_removed(state: &ApiState, task: &Task) -> Result<(), ApiError> {
    match is_removed(state, task).await? {
        true => Err(ApiError::not_found(
            "log of this task any more: it is older than the hub keeps logs",
        )),
        false => Ok(()),
    }
}

/// Whether a task had a log that is gone.
async fn is_removed(state: &ApiState, task: &Task) -> Result<bool, ApiError> {
    if task.log_lines == 0 || !task.state.is_final() {
        return Ok(false);
    }
    Ok(state.ledger().log_after(task.id, 0, 1).await?.is_empty())
}

/// The log as text, a thousand lines at a time.
fn whole(
    state: ApiState,
    task: TaskId,
) -> impl futures::Stream<Item = Result<Bytes, LedgerError>> + Send + 'static {
    futures::stream::try_unfold((state, 0), move |(state, after)| async move {
        let lines = state.ledger().log_after(task, after, extract::MAX_LIMIT).await?;
        let Some(last) = lines.last().map(|line| line.line) else {
            return Ok(None);
        };
        let mut text = String::new();
        for line in lines {
            text.push_str(&log_entry(line).format_line());
            text.push('\n');
        }
        Ok(Some((Bytes::from(text), (state, last))))
    })
}

/// Where a log stream begins.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct FollowQuery {
    /// Only lines after this number; `Last-Event-ID` goes before it.
    after: Option<u64>,
}

/// Follows a log: `event: line` with a LogEntry each, its id the line's number; then `event: done`, and the end.
/// Resumed by `Last-Event-ID`.
#[utoipa::path(
    get, path = "/api/v1/tasks/{upid}/log/stream", tag = "logs", operation_id = "follow_log",
    params(
        ("upid" = Upid, Path, description = "Percent-encoded UPID."),
        FollowQuery,
        ("Last-Event-ID" = Option<u64>, Header, description = "The last line that was read."),
    ),
    responses((status = 200, content_type = "text/event-stream", body = String))
)]
async fn follow(
    State(state): State<ApiState>,
    access: Access,
    Path(upid): Path<Upid>,
    headers: HeaderMap,
    Query(query): Query<FollowQuery>,
) -> Result<Response, ApiError> {
    let after = stream::resume(&headers, query.after)?.unwrap_or(0);
    let task = access.task(state.ledger(), &upid).await?;
    not_removed(&state, &task).await?;
    let permit = stream::permit(&state)?;
    Ok(stream::answer_text(
        LogFeed::open(state, access, task.id, after, permit).stream(),
    ))
}
