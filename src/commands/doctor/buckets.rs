//! Whether the buckets of a project can be used as jobs use them: listed, and written once.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::Utc;

use super::Check;
use crate::exit::ExitCode;
use crate::job::{Job, Source};
use crate::objects::{ObjectError, Place, Put, S3};
use crate::project::Project;
use crate::text::{cut, visible};

/// Whether files can be written where artifacts are, or are worked on.
pub(super) fn artifacts_folder(folder: &Path) -> Check {
    let what = "artifacts folder";
    let tried = std::fs::create_dir_all(folder)
        .and_then(|()| tempfile::Builder::new().prefix(".tmp-doctor-").tempfile_in(folder));
    match tried {
        Ok(_) => Check::ok(what, format!("{} can be written", folder.display())),
        Err(error) => Check::fail(
            what,
            ExitCode::Configuration,
            format!("cannot write {}: {error}", folder.display()),
            "put `artifacts` of tieout.yaml where it can be written",
        ),
    }
}

/// Whether the bucket of artifacts takes each object once, as two pods at work need it; none where there is no bucket.
pub(super) async fn artifacts(project: &Project) -> Option<Check> {
    let place = project.kept.as_ref()?;
    let what = "artifacts bucket";
    Some(match Box::pin(probe(&project.s3, place)).await {
        Ok(Probed::Once) => Check::ok(what, format!("{place} can be listed and written, each object once")),
        Ok(Probed::Twice) => Check::fail(
            what,
            ExitCode::Configuration,
            format!("{place}: the store replaced an object although it was told not to (If-None-Match: *)"),
            "use a store that honours conditional writes, or two runs at once may overwrite each other's files",
        ),
        Err(error) => of_error(what, &error),
    })
}

/// What a probe object came to.
enum Probed {
    Once,
    Twice,
}

/// Lists, writes a small object, tries to replace it, and removes it.
async fn probe(s3: &S3, place: &Place) -> Result<Probed, ObjectError> {
    s3.look(place).await?;
    let name = format!(".tieout-doctor-{}-{}", std::process::id(), Utc::now().timestamp_micros());
    let place = place.join(&name);
    let (first, second) = (probe_file(&place, b"a probe of tieout doctor\n")?, probe_file(&place, b"another one\n")?);
    s3.put(&first.0).await?;
    let probed = match s3.put(&second.0).await {
        Ok(()) => Ok(Probed::Twice),
        Err(error) if error.is_there_already() => Ok(Probed::Once),
        Err(error) => Err(error),
    };
    let removed = s3.delete(&place).await;
    let probed = probed?;
    removed.map(|()| probed)
}

fn probe_file(place: &Place, bytes: &[u8]) -> Result<(Put, tempfile::NamedTempFile), ObjectError> {
    let written = tempfile::NamedTempFile::new().and_then(|mut file| {
        std::io::Write::write_all(&mut file, bytes)?;
        Ok((Put::of(place.clone(), file.path())?, file))
    });
    let path = std::env::temp_dir();
    written.map_err(|source| ObjectError::Disk { doing: "probing", place: place.clone(), path, source })
}

/// Whether the prefixes that inputs come from can be listed; one check each.
pub(super) async fn inputs(project: &Project, jobs: &[Job]) -> Vec<Check> {
    let sources = jobs.iter().flat_map(Job::inputs).filter_map(|input| match &input.source {
        Source::S3(objects) => Some(&objects.places),
        Source::Path { .. } | Source::Query { .. } | Source::Dataset { .. } | Source::Provider { .. } => None,
    });
    // What comes after a placeholder is another one for each period.
    let before = |place: &Place| Place {
        bucket: place.bucket.clone(),
        prefix: place.prefix.split('{').next().unwrap_or_default().to_owned(),
    };
    let places: BTreeSet<Place> = sources.flatten().map(before).collect();
    let mut checks = Vec::new();
    for place in places {
        let what = format!("inputs in {place}");
        checks.push(match Box::pin(project.s3.look(&place)).await {
            Ok(true) => Check::ok(what, "can be listed"),
            Ok(false) => Check::ok(what, "can be listed; holds nothing yet"),
            Err(error) => of_error(&what, &error),
        });
    }
    checks
}

/// What is wrong, with its first cause, and apart from it what to do.
fn of_error(what: &str, error: &ObjectError) -> Check {
    let told = error.to_string();
    let (found, to_do) = told.split_once("; ").unwrap_or((&told, "see the message"));
    let first = std::iter::successors(std::error::Error::source(error), |error| error.source()).last();
    // Where credentials were looked for is a list of the SDK's own, several lines long.
    let first = first.filter(|_| matches!(error, ObjectError::NoRoute { .. }));
    let found =
        first.map_or_else(|| found.to_owned(), |first| format!("{found}: {}", cut(&visible(&first.to_string()), 200)));
    Check::fail(what, error.exit_code(), found, to_do)
}
