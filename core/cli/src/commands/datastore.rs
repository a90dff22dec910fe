//! `datastore create`, `attach`, `adopt`, `list`, `remove`.

use anyhow::Result;
use ironcore_api::wire;
use ironcore_types::objects::DatastoreObject;

use super::{Context, removal};
use crate::args::{Datastore, DatastoreArgs};
use crate::exit::Exit;
use crate::output::{self, Form};

pub(super) async fn run(context: &Context, command: Datastore) -> Result<Exit> {
    match command {
        Datastore::Create(args) => add(context, wire::AddMode::Create, args).await,
        Datastore::Attach(args) => add(context, wire::AddMode::Attach, args).await,
        Datastore::Adopt(args) => add(context, wire::AddMode::Adopt, args).await,
        Datastore::List => {
            let answer: wire::DatastoreList = context.client.get(&["datastores"], &[]).await?;
            let form = context.form;
            let size = |count: Option<u64>| match count {
                None => "-".to_owned(),
                Some(count) if form == Form::Plain => count.to_string(),
                Some(count) => output::bytes(count),
            };
            let rows = answer.datastores.iter().map(|row| {
                vec![
                    row.name.to_string(),
                    output::or_dash(row.path.as_ref()),
                    match &row.error {
                        None => "online".to_owned(),
                        Some(error) => format!("offline: {} [{}]", error.message, error.code),
                    },
                    size(row.usage.as_ref().and_then(|usage| usage.stored_bytes)),
                    size(row.usage.as_ref().and_then(|usage| usage.free_bytes)),
                    row.usage
                        .as_ref()
                        .map_or_else(|| "-".to_owned(), |usage| usage.snapshots.to_string()),
                    output::or_dash(row.max_running.as_ref()),
                ]
            });
            form.rows(
                &answer,
                &["NAME", "PATH", "STATE", "STORED", "FREE", "SNAPSHOTS", "LIMIT"],
                rows,
            )?;
            Ok(Exit::Ok)
        }
        Datastore::Usage(wanted) => super::statistics::usage(context, wanted).await,
        Datastore::Remove { name, sure } => {
            let (object, path) = (format!("datastore/{name}"), ["datastores", name.as_str()]);
            let stays = format!(
                "its files are left as they are: `datastore attach {name} --path DIR --projects …` takes it back"
            );
            removal::remove(context, sure, &object, &path, &stays).await
        }
    }
}

async fn add(context: &Context, mode: wire::AddMode, args: DatastoreArgs) -> Result<Exit> {
    let path = std::path::absolute(args.path)?;
    let object = DatastoreObject {
        name: args.name,
        path,
        keep_verified: args.keep_verified,
        projects: args.projects,
        max_running: None,
        warn_free_percent: 10,
        groups: Vec::new(),
    };
    let request = wire::AddDatastore { mode, object };
    let answer: wire::Datastore = context.client.post(&["datastores"], &[], &request).await?;
    let fields = [
        ("Datastore", answer.name.to_string()),
        ("Path", output::or_dash(answer.path.as_ref())),
    ];
    context.form.fields(&answer, &fields)?;
    Ok(Exit::Ok)
}
