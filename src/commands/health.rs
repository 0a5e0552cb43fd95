//! `tieout health`: asks `tieout serve` on this machine whether it is well.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::{Method, Url};

use super::Context;
use crate::cli::HealthArgs;
use crate::exit::{ExitCode, Failure};
use crate::project::HttpConfig;
use crate::providers::http::{Answer, Http, Redactor, displayable};

/// A process that is well answers at once.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks, and says what was answered.
///
/// # Errors
/// When nobody says where to ask.
pub async fn run(mut context: Context, args: HealthArgs) -> Result<ExitCode, Failure> {
    let configured = match args.ops_bind {
        Some(address) => Some(address),
        None => context.load_project()?.ops,
    };
    let Some(address) = configured else {
        let message = "tieout.yaml says nothing of `ops: {bind: ADDRESS:PORT}`; say it there, or give --ops-bind";
        return Err(Failure::new(ExitCode::Configuration, anyhow::Error::msg(message)));
    };
    let (code, said) = match ask(reachable(address)).await {
        Ok((200, said)) => (ExitCode::Done, said),
        Ok((status, said)) => (ExitCode::Unexpected, format!("status {status}: {said}")),
        Err(why) => (ExitCode::Unexpected, format!("nobody answers on {address}: {why}")),
    };
    context.output.text(&format!("{said}\n"))?;
    Ok(code)
}

/// What listens on all addresses is asked on this machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

async fn ask(address: SocketAddr) -> Result<(u16, String), String> {
    let http = Http::new(&HttpConfig::once(TIMEOUT), true).map_err(|error| error.to_string())?;
    let url = Url::parse(&format!("http://{address}/healthz")).map_err(|error| error.to_string())?;
    let request = http.request(Method::GET, url).build().map_err(|error| error.to_string())?;
    match http.send_once(request, &Redactor::default()).await.map_err(|error| error.to_string())? {
        Answer::Reply { status, body, .. } => Ok((status, displayable(String::from_utf8_lossy(&body).trim(), 200))),
        Answer::NotSent { why } | Answer::Lost { why } => Err(why),
    }
}
