//! The commands. Each module is a client of one part of the API; `schedule` and `prune simulate` need no hub.

mod datastore;
mod declare;
mod group;
mod hub;
mod inbox;
mod incident;
mod job;
mod job_next;
mod job_show;
mod man_page;
mod manual;
mod message;
mod notify;
mod outcome;
mod page;
mod project;
mod removal;
mod report;
mod schedule;
mod scheduler;
mod second_factor;
mod secret;
mod setup;
mod silence;
mod simulate;
mod snapshot;
mod stages;
mod start;
mod statistics;
mod status;
mod task;
mod token;
mod trial;
mod unknown;
mod user;
mod watch;
mod worker;

use anyhow::Result;
use clap::CommandFactory;
use ironcore_types::ErrorCode;

use crate::args::{Cli, Command, Config, Hub, Prune, SecondFactor, User, Verify};
use crate::client::Client;
use crate::exit::{Coded, Exit};
use crate::output::Form;
use crate::serve;

/// What a command that talks to the hub gets.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) form: Form,
}

/// Whose the one `kind` (job, group) of this name is; `found` are those that have one.
fn only_one<T>(kind: &str, name: &str, found: impl IntoIterator<Item = T>) -> Result<T> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(project), None) => Ok(project),
        (None, _) => Err(Coded {
            code: ErrorCode::NotFound,
            message: format!("there is no {kind} {name}"),
        }
        .into()),
        (Some(_), Some(_)) => Err(Coded {
            code: ErrorCode::RequestInvalid,
            message: format!("several projects have a {kind} {name}: say which with --project"),
        }
        .into()),
    }
}

/// Does the command of `cli`.
pub(crate) async fn run(cli: Cli) -> Result<Exit> {
    let form = Form::of(cli.global.output);
    let context = || -> Result<Context> {
        Ok(Context {
            client: Client::new(&cli.global)?,
            form,
        })
    };
    match cli.command {
        Command::Serve(options) => serve::run(&options).await,
        Command::Setup(options) => setup::run(&Client::without_token(&cli.global)?, form, options).await,
        Command::Task(command) => task::run(&context()?, command).await,
        Command::Snapshot(command) => snapshot::run(&context()?, command).await,
        Command::Statistics(filter) => statistics::run(&context()?, filter).await,
        Command::Verify(Verify::Report(wanted)) => report::run(&context()?, wanted).await,
        Command::Verify(command) => start::verify(&context()?, command).await,
        Command::Restore(command) => start::restore(&context()?, command).await,
        Command::Gc(command) => start::gc(&context()?, command).await,
        Command::Prune(Prune::Simulate { input }) => simulate::run(form, &input),
        Command::Prune(command) => start::prune(&context()?, command).await,
        Command::Sync(command) => start::sync(&context()?, command).await,
        Command::Job(command) => job::run(&context()?, command).await,
        Command::Group(command) => group::run(&context()?, command).await,
        Command::Project(command) => project::run(&context()?, command).await,
        Command::Datastore(command) => datastore::run(&context()?, command).await,
        Command::Schedule(command) => schedule::run(form, &command),
        Command::Message(command) => message::run(&context()?, command).await,
        Command::Incident(command) => incident::run(&context()?, command).await,
        Command::Notify(command) => notify::run(&context()?, command).await,
        Command::Silence(command) => silence::run(&context()?, command).await,
        Command::Maintenance(command) => silence::maintenance(&context()?, command).await,
        Command::Inbox(command) => inbox::run(&context()?, command).await,
        Command::Token(command) => token::run(&context()?, command).await,
        Command::User(User::SecondFactor(SecondFactor::Set { user })) => {
            second_factor::set(&Client::without_token(&cli.global)?, form, &user).await
        }
        Command::User(command) => user::run(&context()?, command).await,
        Command::Role(command) => user::run_role(&context()?, command).await,
        Command::Audit(command) => user::run_audit(&context()?, command).await,
        Command::Secret(command) => match secret::is_local(&command) {
            true => secret::on_files(form, command),
            false => secret::run(&context()?, command).await,
        },
        Command::Apply(options) => declare::apply(&context()?, &options).await,
        Command::Export => declare::export(&context()?).await,
        Command::Status(options) => status::run(&context()?, &options).await,
        Command::Worker(command) => worker::run(&context()?, command).await,
        Command::Scheduler(command) => scheduler::run(&context()?, command).await,
        Command::Hub(Hub::Restore(options)) => serve::restore(form, &options).await,
        Command::Hub(command) => hub::run(&context()?, command).await,
        Command::Config(Config::Check { config }) => serve::check(form, config.as_deref()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "ironcore-backup", &mut script);
            if shell == clap_complete::Shell::Bash {
                // The script asks for subcommands of `ironcore__backup`, and knows them by another name: what writes it
                // takes the hyphen of the program's name for the end of a command's.
                script = String::from_utf8(script)?
                    .replace("ironcore__subcmd__backup", "ironcore__backup")
                    .into_bytes();
            }
            crate::output::say_bytes(&script);
            Ok(Exit::Ok)
        }
        Command::Man(options) => manual::run(form, &options),
    }
}
