//! The OpenAPI document: its head, and what every operation has in common.

use utoipa::OpenApi as _;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, ResponseBuilder};

use crate::problem::PROBLEM_JSON;
use crate::wire;

const TOKEN: &str = "token";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Ironcore Backup hub",
        description = "Tasks, jobs, datastores, snapshots, events and notifications of a backup hub. Every request but \
            health needs `Authorization: Bearer SECRET`. Refusals and failures are problem documents (RFC 9457) with a \
            stable `code`; every answer carries `x-request-id`. What a token may not know of is 404.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "hub", description = "The hub itself."),
        (name = "tasks", description = "Tasks: one attempt each."),
        (name = "logs", description = "Logs of tasks."),
        (name = "jobs", description = "Jobs: tasks with a schedule."),
        (name = "datastores", description = "Where backups are."),
        (name = "snapshots", description = "Backups, and whether they can be relied on."),
        (name = "statistics", description = "What tasks moved, and how datastores fill."),
        (name = "configuration", description = "What people configure."),
        (name = "events", description = "What happened."),
        (name = "notifications", description = "Who was told, and the inbox."),
        (name = "secrets", description = "What handlers and syncs log in and sign with; values go in and never come out."),
        (name = "tokens", description = "Who may speak to the hub."),
        (name = "peers", description = "What other hubs ask when they sync from here."),
    ),
    components(schemas(
        wire::Problem, wire::Fault, wire::LogEntry, wire::LogDone, wire::ProgressNotice, wire::Ping, ironcore_types::Event
    )),
)]
struct Head;

/// The document without paths.
pub(crate) fn base() -> OpenApi {
    Head::openapi()
}

/// Adds to every operation what all have in common: the token, and problem documents.
pub(crate) fn finish(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token's secret."))
        .build();
    components.add_security_scheme(TOKEN, SecurityScheme::Http(scheme));
    document.security = Some(vec![SecurityRequirement::new(TOKEN, Vec::<String>::new())]);
    let problem = ResponseBuilder::new()
        .description("A problem document.")
        .content(
            PROBLEM_JSON,
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build(),
        )
        .build();
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            operation
                .responses
                .responses
                .insert("default".to_owned(), problem.clone().into());
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.delete,
        &mut item.patch,
    ]
    .into_iter()
    .filter_map(Option::as_mut)
}

/// Each operation of the document: method, path, operation id.
pub fn walk(document: &OpenApi) -> Vec<(HttpMethod, String, String)> {
    let mut found = Vec::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in [
            (HttpMethod::Get, &item.get),
            (HttpMethod::Post, &item.post),
            (HttpMethod::Put, &item.put),
            (HttpMethod::Delete, &item.delete),
            (HttpMethod::Patch, &item.patch),
        ] {
            if let Some(operation) = operation {
                found.push((
                    method,
                    path.clone(),
                    operation.operation_id.clone().unwrap_or_default(),
                ));
            }
        }
    }
    found
}
