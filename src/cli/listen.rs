//! The shapes of `tieout listen`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

pub(super) const HELP: &str = "\
Examples:
  tieout listen
  tieout listen --bind 0.0.0.0:8787 --folder /srv/webhooks

POST / takes one notification, signed with the provider's webhook_key (or with
webhook_key_previous while the key is rotated): 200 once it is on the disk in
webhooks-YYYY-MM-DD.jsonl, by UTC day; 401 for a wrong signature, kept in
rejected-YYYY-MM-DD.jsonl. GET /healthz: it runs. GET /readyz: it can write.
It speaks plain HTTP: let what ends TLS stand before it.";

#[derive(Debug, Clone, Default, Args)]
pub struct ListenArgs {
    #[arg(help = "Listen here [default: receiver.bind, else 127.0.0.1:8787]")]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub bind: Option<SocketAddr>,
    #[arg(help = "Keep the log here [default: receiver.folder, else the data folder]")]
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    #[arg(help = "Whose notifications [default: receiver.provider, else the only one]")]
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
}
