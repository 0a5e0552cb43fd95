//! `tieout k8s`. Shapes only.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub(super) const HELP: &str = "\
Examples:
  tieout k8s render
  tieout k8s render --check";

const RENDER_HELP: &str = "\
Examples:
  tieout k8s render
  tieout k8s render --check
  tieout k8s render --image registry.example.com/tieout:1 --namespace tieout

Writes a Kustomize base from tieout.yaml and the job files: a CronJob a scheduled
job, the receiver where there is a webhook_key, storage, account and network
policies. Secrets are named in it, never held. What is the cluster's own goes into
an overlay: the base is written anew.";

#[derive(Debug, Clone, Subcommand)]
pub enum K8sCommand {
    /// Write a Kustomize base from the project and its jobs, or check one
    #[command(after_help = RENDER_HELP)]
    Render(RenderArgs),
}

#[derive(Debug, Clone, Args)]
pub struct RenderArgs {
    /// Folder of the base [default: deploy/kubernetes/base of the project]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The image of all pods [default: tieout:VERSION, which an overlay renames]
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// The namespace of all objects [default: that of the overlay]
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// What runs the schedules: a CronJob a job, or `tieout serve`
    #[arg(long, value_enum, default_value_t = RunBy::Cronjobs, value_name = "MODE")]
    pub mode: RunBy,
    /// Write nothing; say what differs from what would be written, and end with 78 then
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunBy {
    Cronjobs,
    Serve,
}
