//! The metrics of a run that has ended, for those who are not scraped: pushed to a gateway, or left in a file. Nothing
//! here fails a run.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Url};

use super::metrics;
use crate::job::Job;
use crate::journal::Journal;
use crate::project::{HttpConfig, MetricsConfig};
use crate::providers::http::{Answer, Http, Redactor, displayable};

/// A gateway is waited for no longer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The collector of `node_exporter` is another user.
const READABLE_BY_ALL: u32 = 0o644;
/// Of what a gateway says so much is told.
const LONGEST_ANSWER: usize = 200;

/// Pushes and writes what the project asks for, after a run of the job.
pub async fn after_run(config: &MetricsConfig, journal: &Journal, job: &Job) {
    if config.push.is_none() && config.textfile.is_none() {
        return;
    }
    let text = match metrics::of_run(journal, job).await {
        Ok(text) => text,
        Err(error) => return tracing::warn!("no metrics: {error}"),
    };
    if let Some(template) = &config.textfile {
        let path = template.to_string_lossy().replace("{job}", &job.name);
        if let Err(error) = write(Path::new(&path), &text) {
            tracing::warn!("no metrics in {path}: {error}");
        }
    }
    if let Some(gateway) = &config.push
        && let Err(why) = push(gateway, &job.name, text).await
    {
        tracing::warn!("the metrics are not pushed: {why}");
    }
}

/// By rename: whoever reads it reads all of it.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder)?;
    // The collector reads what ends in .prom only.
    let mut file = tempfile::Builder::new().prefix(".tieout-").suffix(".tmp").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(READABLE_BY_ALL))?;
    file.persist(path)?;
    Ok(())
}

/// Replaces the group of the job: <https://github.com/prometheus/pushgateway#put-method>.
async fn push(gateway: &str, job: &str, text: String) -> Result<(), String> {
    let url =
        Url::parse(&format!("{gateway}/metrics/job/tieout/tieout_job/{job}")).map_err(|error| error.to_string())?;
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let http = Http::new(&HttpConfig::once(TIMEOUT), is_local).map_err(|error| error.to_string())?;
    let request = http.request(Method::PUT, url).header(CONTENT_TYPE, metrics::CONTENT_TYPE).body(text).build();
    let request = request.map_err(|error| error.without_url().to_string())?;
    match http.send_once(request, &Redactor::default()).await.map_err(|error| error.to_string())? {
        Answer::Reply { status, .. } if (200..300).contains(&status) => Ok(()),
        Answer::Reply { status, body, .. } => {
            Err(format!("status {status}: {}", displayable(&String::from_utf8_lossy(&body), LONGEST_ANSWER)))
        }
        Answer::NotSent { why } | Answer::Lost { why } => Err(why),
    }
}
