//! The shapes of `tieout notify` and `tieout health`.

use std::net::SocketAddr;

use clap::{Args, Subcommand};

use crate::project::NoticeEvent;

pub(super) const NOTIFY_HELP: &str = "\
Examples:
  tieout notify test
  tieout notify test finance --event failed

Channels are named in tieout.yaml below `notify: channels:`.";

pub(super) const HEALTH_HELP: &str = "\
Example:
  tieout health

Asks /healthz of `tieout serve` on this machine: 0 when its scheduler has looked
lately, 1 when not or when nobody answers. For HEALTHCHECK of a container.";

#[derive(Debug, Clone, Subcommand)]
pub enum NotifyCommand {
    /// Send a message that is marked as a test, and say what the other side answered
    #[command(after_help = "\
Example:
  tieout notify test finance")]
    Test {
        #[arg(help = "Which channel [default: all]")]
        #[arg(value_name = "CHANNEL")]
        channel: Option<String>,
        /// As if this had happened
        #[arg(long, value_enum, value_name = "EVENT", default_value = "failed")]
        event: NoticeEvent,
    },
}

#[derive(Debug, Clone, Args)]
pub struct HealthArgs {
    #[arg(help = "Where it answers [default: ops.bind of tieout.yaml]")]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub ops_bind: Option<SocketAddr>,
}
