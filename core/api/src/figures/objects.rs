//! Figures of what is configured: jobs and datastores, one series each, up to the ledger's bounds.

use ironcore_ledger::model::{DatastoreFigures, JobFigures};
use ironcore_types::{JobName, ProjectName, TaskState};

use super::exposition::Exposition;
use super::{Scrape, seconds};

pub(super) fn write(out: &mut Exposition, scrape: &Scrape<'_>) {
    jobs(out, scrape);
    datastores(out, scrape);
}

/// A family of one figure for each job that has it.
fn job_gauge(
    out: &mut Exposition,
    (name, help): (&'static str, &str),
    jobs: &[JobFigures],
    figure: impl Fn(&JobFigures) -> Option<f64>,
) {
    let mut family = out.gauge(name, help);
    for job in jobs {
        if let Some(value) = figure(job) {
            family.sample(
                &[("project", job.project.as_str()), ("job_name", job.job.as_str())],
                value,
            );
        }
    }
}

fn jobs(out: &mut Exposition, scrape: &Scrape<'_>) {
    let jobs = &scrape.now.jobs;
    let whether = |is: bool| Some(f64::from(u8::from(is)));
    let name = (
        "ironcore_job_enabled",
        "Whether the job may start by itself; 0 when it is switched off or paused.",
    );
    job_gauge(out, name, jobs, |job| whether(job.enabled));
    let name = ("ironcore_job_overdue", "Whether the job has no recent good run.");
    job_gauge(out, name, jobs, |job| whether(job.overdue));
    let name = (
        "ironcore_job_last_success_timestamp_seconds",
        "When an attempt of the job last ended OK or WARNING.",
    );
    job_gauge(out, name, jobs, |job| job.last_good.map(|run| seconds(run.ended)));
    let name = (
        "ironcore_job_last_run_timestamp_seconds",
        "When an attempt of the job last ended OK, WARNING or FAILED.",
    );
    job_gauge(out, name, jobs, |job| job.last.map(|run| seconds(run.ended)));
    let name = (
        "ironcore_job_last_run_success",
        "Whether that attempt did not fail.",
    );
    job_gauge(out, name, jobs, |job| {
        job.last.and_then(|run| whether(run.state != TaskState::Failed))
    });
    let name = ("ironcore_job_last_duration_seconds", "How long that attempt ran.");
    job_gauge(out, name, jobs, |job| {
        job.last.map(|run| run.duration.as_secs_f64())
    });

    let tally = &scrape.tally;
    for (name, help, counts) in [
        (
            "ironcore_job_missed_runs_total",
            "Runs of the job that did not start at their time, as this process told.",
            &tally.missed,
        ),
        (
            "ironcore_job_overdue_events_total",
            "How often the job became overdue, as this process told.",
            &tally.overdue,
        ),
    ] {
        let mut family = out.counter(name, help);
        for job in jobs {
            let key: (ProjectName, JobName) = (job.project.clone(), job.job.clone());
            let count = counts.get(&key).copied().unwrap_or(0);
            family.sample(
                &[("project", key.0.as_str()), ("job_name", key.1.as_str())],
                count,
            );
        }
    }
    out.gauge(
        "ironcore_jobs_left_out",
        "Jobs of which no figures are told, for there are too many.",
    )
    .value(scrape.now.jobs_left_out);
}

/// As [`job_gauge`], for datastores.
fn datastore_gauge(
    out: &mut Exposition,
    (name, help): (&'static str, &str),
    datastores: &[DatastoreFigures],
    figure: impl Fn(&DatastoreFigures) -> Option<f64>,
) {
    let mut family = out.gauge(name, help);
    for datastore in datastores {
        if let Some(value) = figure(datastore) {
            family.sample(&[("datastore", datastore.name.as_str())], value);
        }
    }
}

fn datastores(out: &mut Exposition, scrape: &Scrape<'_>) {
    let datastores = &scrape.now.datastores;
    let bytes = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64);
    let name = (
        "ironcore_datastore_online",
        "Whether the datastore could be used when it was last looked at.",
    );
    datastore_gauge(out, name, datastores, |datastore| {
        let status = datastore.status.as_ref()?;
        Some(f64::from(u8::from(status.online)))
    });
    let name = (
        "ironcore_datastore_last_seen_timestamp_seconds",
        "When what was seen of the datastore was last written down.",
    );
    datastore_gauge(out, name, datastores, |datastore| {
        datastore.status.as_ref().map(|status| seconds(status.at))
    });
    let name = (
        "ironcore_datastore_used_bytes",
        "Bytes taken of the file system where the datastore lies, by whatever.",
    );
    datastore_gauge(out, name, datastores, |datastore| {
        bytes(datastore.status.as_ref()?.used)
    });
    let name = ("ironcore_datastore_free_bytes", "Bytes still to be had there.");
    datastore_gauge(out, name, datastores, |datastore| {
        bytes(datastore.status.as_ref()?.free)
    });
    let name = (
        "ironcore_datastore_last_good_verification_timestamp_seconds",
        "When a snapshot was last verified and found OK.",
    );
    datastore_gauge(out, name, datastores, |datastore| {
        datastore.last_good_verification.map(seconds)
    });
    let name = (
        "ironcore_datastore_dedup_hit_ratio",
        "Part of the chunks that the datastore held already, of its last 100 attempts.",
    );
    datastore_gauge(out, name, datastores, |datastore| {
        let percent = datastore.recent.metrics().dedup_hit_percent;
        percent.map(|percent| percent / 100.0)
    });
    let name = (
        "ironcore_datastore_reduction_ratio",
        "Bytes of content for each byte stored, of its last 100 attempts.",
    );
    datastore_gauge(out, name, datastores, |datastore| {
        datastore.recent.metrics().reduction_ratio
    });
    out.gauge(
        "ironcore_datastores_left_out",
        "Datastores of which no figures are told, for there are too many.",
    )
    .value(scrape.now.datastores_left_out);
}
