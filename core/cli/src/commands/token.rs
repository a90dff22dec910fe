//! `token create`, `list`, `revoke`.

use anyhow::Result;
use ironcore_api::wire;

use super::Context;
use super::task::to_the_minute;
use crate::args::Token;
use crate::exit::Exit;
use crate::output;
use crate::serve::seams;
use crate::table::GivesWay;

pub(super) async fn run(context: &Context, command: Token) -> Result<Exit> {
    match command {
        Token::Create {
            user,
            role,
            project,
            expires,
        } => {
            let expires = expires.map(|span| seams::machine().now().after(span.duration()));
            let request = wire::CreateToken {
                user,
                role,
                project,
                comment: None,
                expires,
            };
            let answer: wire::CreatedToken = context.client.post(&["tokens"], &[], &request).await?;
            let fields = [
                ("Token", answer.token.user.to_string()),
                ("Secret", answer.secret.clone()),
            ];
            context.form.fields(&answer, &fields)?;
            if !answer.usable {
                output::complain(
                    "the token is of no use yet: its user has no role there, or may not sign in",
                );
            } else if !answer.withheld.is_empty() {
                let withheld: Vec<&str> = answer.withheld.iter().map(|right| right.as_str()).collect();
                output::complain(&format!(
                    "its role allows more than its user may do there; the token may not do it either: {}",
                    withheld.join(", ")
                ));
            }
            output::complain("the secret is shown this once; keep it in a file that only its user can read");
        }
        Token::List => {
            let answer: wire::TokenList = context.client.get(&["tokens"], &[]).await?;
            let rows = answer.tokens.iter().map(|token| {
                vec![
                    token.user.to_string(),
                    token.role.to_string(),
                    output::or_dash(token.project.as_ref()),
                    output::time(Some(token.created)),
                    output::time(token.expires),
                    output::time(token.revoked),
                ]
            });
            let head = ["TOKEN", "ROLE", "PROJECT", "CREATED", "EXPIRES", "REVOKED"];
            let order = [
                GivesWay::Short(3, |row| {
                    row.get(3).map_or_else(String::new, |time| to_the_minute(time))
                }),
                GivesWay::Named(5),
                GivesWay::Named(4),
                GivesWay::Named(2),
            ];
            context.form.listing(&answer, &head, &order, rows)?;
        }
        Token::Revoke { user } => {
            context.client.delete(&["tokens", user.as_str()]).await?;
            output::say(&format!("revoked {user}"));
        }
    }
    Ok(Exit::Ok)
}
