//! The pattern that a new project is offered: a daily and a weekly backup of one tree, a copy of the weekly ones in an
//! archive, retention for each of the three, a verification and a collection a week. It is a declaration like any
//! other: whoever applies it may change it first.
//!
//! Retention belongs to prune tasks, which go by namespace. So each backup has one of its own: the daily ones are in
//! the root, the weekly ones in `weekly`, and the copies of those in `weekly` of the archive. Each prune names the one
//! group that its backup makes, so that it leaves everything else in a shared datastore alone.

use std::path::PathBuf;

use ironcore_types::objects::{DatastoreObject, Document, Job, Project};
use ironcore_types::retention::Keep;
use ironcore_types::snapshot::{BackupGroup, BackupType, Namespace};
use ironcore_types::spec::{BackupSpec, GcSpec, PruneSpec, Source, SyncSide, SyncSpec, TaskSpec, VerifySpec};
use ironcore_types::verification::VerifyDepth;
use ironcore_types::{DatastoreName, UserId};
use serde_json::{Error, from_value, json};

/// What the pattern is made for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) project: Project,
    /// Where the backups go.
    pub(crate) datastore: DatastoreObject,
    /// Where the weekly ones are copied; none for no copies.
    pub(crate) archive: Option<DatastoreObject>,
    /// What is backed up.
    pub(crate) tree: PathBuf,
    pub(crate) owner: UserId,
    pub(crate) timezone: String,
}

/// The declaration: the project, its datastores with a grant for it, and the jobs.
pub(crate) fn declaration(mut wanted: Wanted) -> Result<Document, Error> {
    let project = wanted.project.name.clone();
    for datastore in std::iter::once(&mut wanted.datastore).chain(&mut wanted.archive) {
        if !datastore.granted_to(&project) {
            datastore.projects.push(project.clone());
        }
    }
    let mut document = Document {
        job: wanted.jobs()?,
        ..Document::default()
    };
    document.project.push(wanted.project);
    document.datastore.push(wanted.datastore);
    document.datastore.extend(wanted.archive);
    Ok(document)
}

impl Wanted {
    fn jobs(&self) -> Result<Vec<Job>, Error> {
        let store = &self.datastore.name;
        let (root, weekly) = (Namespace::root(), from_value::<Namespace>(json!("weekly"))?);
        let mut jobs = vec![
            self.job("daily", "02:00", "Backup of each day", self.backup(&root)?)?,
            self.job(
                "weekly",
                "Sun 03:00",
                "Backup of each week",
                self.backup(&weekly)?,
            )?,
        ];
        if let Some(archive) = &self.archive {
            let comment = "Copies the weekly backups to the archive";
            jobs.push(self.job(
                "archive",
                "Sun 04:30",
                comment,
                self.copy(&archive.name, &weekly)?,
            )?);
        }
        let days = Keep {
            daily: Some(7),
            ..Keep::default()
        };
        let weeks = |count| Keep {
            weekly: Some(count),
            ..Keep::default()
        };
        let mut prunes = vec![
            ("daily", store, &root, days, "7 daily backups"),
            ("weekly", store, &weekly, weeks(3), "3 weekly backups"),
        ];
        if let Some(archive) = &self.archive {
            prunes.push((
                "archive",
                &archive.name,
                &weekly,
                weeks(52),
                "52 weekly backups in the archive",
            ));
        }
        for (of, store, namespace, keep, what) in prunes {
            let spec = self.prune(store, namespace, keep)?;
            jobs.push(self.job(&format!("prune-{of}"), "05:00", &format!("Keeps {what}"), spec)?);
        }
        jobs.extend(self.upkeep("", store)?);
        if let Some(archive) = &self.archive {
            jobs.extend(self.upkeep("-archive", &archive.name)?);
        }
        Ok(jobs)
    }

    /// The verification and the collection of a datastore.
    fn upkeep(&self, of: &str, store: &DatastoreName) -> Result<[Job; 2], Error> {
        let verify = TaskSpec::Verify(VerifySpec {
            datastore: store.clone(),
            namespace: None,
            snapshot: None,
            depth: VerifyDepth::default(),
            again: false,
        });
        let gc = TaskSpec::Gc(GcSpec {
            datastore: store.clone(),
            dry_run: false,
        });
        let checks = format!("Checks what is stored in {store}");
        let frees = format!("Frees space in {store}");
        Ok([
            self.job(&format!("verify{of}"), "Sun 06:00", &checks, verify)?,
            self.job(&format!("gc{of}"), "Sun 07:00", &frees, gc)?,
        ])
    }

    /// A job with the defaults that a declaration has.
    fn job(&self, name: &str, schedule: &str, comment: &str, task: TaskSpec) -> Result<Job, Error> {
        from_value(json!({
            "project": self.project.name,
            "name": name,
            "comment": comment,
            "owner": self.owner,
            "schedule": schedule,
            "timezone": self.timezone,
            "task": task,
        }))
    }

    /// The backups of a namespace: a host of the project's name.
    fn group(&self, namespace: &Namespace) -> Result<BackupGroup, Error> {
        Ok(BackupGroup {
            namespace: namespace.clone(),
            backup_type: BackupType::Host,
            id: from_value(json!(self.project.name))?,
        })
    }

    fn backup(&self, namespace: &Namespace) -> Result<TaskSpec, Error> {
        let group = self.group(namespace)?;
        Ok(TaskSpec::Backup(BackupSpec {
            source: Source {
                tree: self.tree.clone(),
                exclude: Vec::new(),
                optional: false,
            },
            datastore: self.datastore.name.clone(),
            namespace: group.namespace,
            backup_type: group.backup_type,
            backup_id: group.id,
            full: false,
        }))
    }

    fn copy(&self, to: &DatastoreName, namespace: &Namespace) -> Result<TaskSpec, Error> {
        Ok(TaskSpec::Sync(SyncSpec {
            from: SyncSide {
                datastore: self.datastore.name.clone(),
                remote: None,
            },
            to: to.clone(),
            namespace: namespace.clone(),
            groups: vec![self.group(namespace)?],
        }))
    }

    fn prune(&self, store: &DatastoreName, namespace: &Namespace, keep: Keep) -> Result<TaskSpec, Error> {
        Ok(TaskSpec::Prune(PruneSpec {
            datastore: store.clone(),
            namespace: namespace.clone(),
            groups: vec![self.group(namespace)?],
            keep,
            timezone: self.timezone.clone(),
            dry_run: false,
        }))
    }
}
