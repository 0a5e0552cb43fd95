//! `tieout serve`. Shapes only.

use std::net::SocketAddr;

use clap::Args;

pub(super) const HELP: &str = "\
Example:
  tieout serve --max-parallel 2

Runs every job that has a schedule: the last complete period each time that it
fires, what was missed as `catchup` says, and again what may go better later.
One run of a job at a time. With --listen it is the receiver of notifications as
well. On the ops port: /healthz, /readyz, and /metrics for Prometheus. The pages
for review are on loopback alone unless `review:` says who may sign in; users and
their passwords are read when it begins.

SIGHUP reads the project's jobs again; a job file that is wrong by then stays as
it was, and stops no other. SIGTERM lets runs end at their next pause; what they
have marked stays, and the next start goes on.";

#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct ServeArgs {
    /// Runs at once, of different jobs
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub max_parallel: u32,
    /// Receive notifications as well, as `tieout listen` does, where the project file says
    #[arg(long, conflicts_with = "once")]
    pub listen: bool,
    #[arg(help = "Answer probes and show metrics here [default: ops.bind]")]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub ops_bind: Option<SocketAddr>,
    /// Show the pages for review as well, where `review:` of the project file says [default: on where it has that block]
    #[arg(long, conflicts_with = "once")]
    pub review: bool,
    /// Show the pages for review, and run nothing
    #[arg(long, conflicts_with_all = ["once", "listen", "max_parallel"])]
    pub review_only: bool,
    #[arg(help = "Show the pages here [default: review.bind, else 127.0.0.1:8722]")]
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "once")]
    pub review_bind: Option<SocketAddr>,
    /// End when nothing can be run now, with the most serious code of the runs
    #[arg(long)]
    pub once: bool,
    #[arg(help = "Who starts the runs [default: TIEOUT_BY, else the login name]")]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}
