//! The page behind the link of a message about an incident. Opening it changes nothing, for programs that look at mails
//! follow links too: only who presses its button acknowledges. The link stands for a token; it is good for this alone.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ironcore_ledger::model::{Incident, IncidentState};
use ironcore_notify::links::Link;
use ironcore_types::UserId;
use serde::Deserialize;

use crate::state::ApiState;

/// Where the links lead.
const PATH: &str = "/acknowledge/";
/// A form that goes back to where it came from, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The longest name and the longest comment, characters.
const NAME: usize = 80;
const COMMENT: usize = 800;

pub(crate) fn routes() -> Router<ApiState> {
    Router::new().route("/acknowledge/{token}", get(look).post(press))
}

/// The path as logs may show it: what stands behind is as good as a token.
pub(crate) fn shown(path: &str) -> &str {
    match path.starts_with(PATH) {
        true => PATH,
        false => path,
    }
}

/// What the form holds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pressed {
    name: String,
    comment: String,
}

async fn look(State(state): State<ApiState>, Path(token): Path<String>) -> Response {
    match incident(&state, &token).await {
        Ok((_, incident)) => page(StatusCode::OK, &incident.title, &body_of(&incident)),
        Err(answer) => answer,
    }
}

async fn press(State(state): State<ApiState>, Path(token): Path<String>, form: String) -> Response {
    let (link, incident) = match incident(&state, &token).await {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    let Some(user) = link.user() else {
        return refused();
    };
    if incident.state() != IncidentState::Open {
        return page(StatusCode::OK, &incident.title, &body_of(&incident));
    }
    match acknowledged(&state, &incident, &user, &read(&form)).await {
        Ok(incident) => page(StatusCode::OK, &incident.title, &body_of(&incident)),
        Err(answer) => answer,
    }
}

/// What was typed: a form is written as queries are. What cannot be read says nothing.
fn read(form: &str) -> Pressed {
    let uri = format!("/?{form}").parse::<Uri>().ok();
    let read = uri.and_then(|uri| Query::try_from_uri(&uri).ok());
    read.map(|Query(pressed)| pressed).unwrap_or_default()
}

async fn acknowledged(
    state: &ApiState,
    incident: &Incident,
    user: &UserId,
    pressed: &Pressed,
) -> Result<Incident, Response> {
    let comment = comment(pressed);
    let done = state
        .ledger()
        .acknowledge_incident(incident.id, user, comment.as_deref())
        .await;
    done.map_err(|error| {
        tracing::warn!(code = %error.code(), "an incident could not be acknowledged by its link: {error}");
        let text = "<p>That did not work. Try again in a moment, or use the dashboard.</p>";
        page(StatusCode::SERVICE_UNAVAILABLE, "Not acknowledged", text)
    })
}

/// Who it was, by what they wrote themselves, and what they said.
fn comment(pressed: &Pressed) -> Option<String> {
    let cut = |text: &str, most: usize| -> String {
        let words: Vec<&str> = text.split_whitespace().collect();
        words
            .join(" ")
            .chars()
            .filter(|c| !c.is_control())
            .take(most)
            .collect()
    };
    let (name, said) = (cut(&pressed.name, NAME), cut(&pressed.comment, COMMENT));
    match (name.is_empty(), said.is_empty()) {
        (true, true) => None,
        (true, false) => Some(said),
        (false, true) => Some(format!("by {name}")),
        (false, false) => Some(format!("by {name}: {said}")),
    }
}

/// What the link says, and the incident it is about.
async fn incident(state: &ApiState, token: &str) -> Result<(Link, Incident), Response> {
    let link = match state.links().read(token, state.seams().now()) {
        Ok(link) => link,
        Err(why) => {
            let text = format!(
                "<p>Nothing was done: {}. Use the dashboard, or <code>ironcore-backup incident list</code>.</p>",
                escaped(&why.to_string())
            );
            return Err(page(StatusCode::NOT_FOUND, "This link is not good", &text));
        }
    };
    match state.ledger().incident(link.incident).await {
        Ok(Some(incident)) => Ok((link, incident)),
        Ok(None) => Err(refused()),
        Err(error) => {
            tracing::warn!(code = %error.code(), "the incident of a link could not be read: {error}");
            let text = "<p>The hub is busy. Try again in a moment.</p>";
            Err(page(StatusCode::SERVICE_UNAVAILABLE, "Not now", text))
        }
    }
}

fn refused() -> Response {
    page(
        StatusCode::NOT_FOUND,
        "This link is not good",
        "<p>Nothing was done: there is no such incident.</p>",
    )
}

fn body_of(incident: &Incident) -> String {
    let number = incident.number;
    match (incident.state(), &incident.acknowledged) {
        (IncidentState::Ended, _) => format!("<p>Incident {number} is over. There is nothing to see to.</p>"),
        (_, Some(by)) => {
            let comment = by
                .comment
                .as_deref()
                .map_or_else(String::new, |text| format!(": {}", escaped(text)));
            format!(
                "<p>Incident {number} is acknowledged by {}{comment}. It is neither told again nor escalated, until it \
                 becomes worse.</p>",
                escaped(by.by.as_str())
            )
        }
        _ => format!(
            "<p>Incident {number} lasts since {}, with {} so far. Whoever acknowledges it says that they see to \
             it: it is neither told again nor escalated, until it becomes worse.</p>\
             <form method=\"post\"><p><label>Your name<br><input name=\"name\" maxlength=\"{NAME}\" \
             autocomplete=\"name\"></label></p><p><label>For the others<br><input name=\"comment\" \
             maxlength=\"{COMMENT}\"></label></p><p><button type=\"submit\">Acknowledge</button></p></form>",
            ironcore_types::Timestamp::from_seconds(incident.opened.as_seconds()),
            match incident.failures {
                1 => "one event".to_owned(),
                count => format!("{count} events"),
            }
        ),
    }
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let title = escaped(title);
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
         <title>{title}</title><style>body{{font:16px/1.5 sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem;\
         color:#1a1a1a}}h1{{font-size:1.25rem}}input{{width:100%;font:inherit;padding:.4rem;box-sizing:border-box}}\
         button{{font:inherit;padding:.6rem 1.2rem;background:#0b57a4;color:#fff;border:0;border-radius:.25rem}}</style>\
         </head><body><h1>{title}</h1>{body}</body></html>"
    );
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    (status, headers, html).into_response()
}

/// Text in HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_stays_text() {
        assert_eq!(
            escaped("<a href=\"x\">&'"),
            "&lt;a href=&quot;x&quot;&gt;&amp;&#39;"
        );
        let pressed = |name: &str, comment: &str| Pressed {
            name: name.to_owned(),
            comment: comment.to_owned(),
        };
        assert_eq!(comment(&pressed(" ", "")), None);
        assert_eq!(
            comment(&pressed("Ada\n", "on  it")).as_deref(),
            Some("by Ada: on it")
        );
        assert_eq!(comment(&pressed("", "on it")).as_deref(), Some("on it"));
        let long = comment(&pressed(&"n".repeat(200), "")).expect("a comment");
        assert_eq!(long.len(), "by ".len() + NAME);
        let typed = read("name=Ada+L.&comment=caf%C3%A9%3F");
        assert_eq!((typed.name.as_str(), typed.comment.as_str()), ("Ada L.", "café?"));
        assert_eq!(comment(&read("")), None);
    }
}
