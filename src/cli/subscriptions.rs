//! The shapes of `tieout subscriptions`.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use crate::providers::kard::request;
use crate::providers::kard::subscriptions::EVENTS;

pub(super) const HELP: &str = "\
Examples:
  tieout subscriptions list
  tieout subscriptions create --event clawback --url https://hooks.acme.example/
  tieout subscriptions disable 0f5c1c6e";

#[derive(Debug, Clone, Subcommand)]
pub enum SubscriptionsCommand {
    /// List which events the provider tells, and where
    #[command(after_help = "\
Example:
  tieout subscriptions list --format json")]
    List {
        #[arg(help = "Which provider [default: the only one]")]
        #[arg(long, value_name = "NAME")]
        provider: Option<String>,
    },
    /// Ask the provider to tell events at an address; what stands already is left alone
    #[command(after_help = "\
Example:
  tieout subscriptions create --event clawback --event auditUpdate \\
    --url https://hooks.acme.example/kard")]
    Create(CreateArgs),
    /// Turn subscriptions on
    #[command(after_help = "\
Example:
  tieout subscriptions enable 0f5c1c6e")]
    Enable(TurnArgs),
    /// Turn subscriptions off: the provider tells nothing more by them
    #[command(after_help = "\
Example:
  tieout subscriptions disable 0f5c1c6e")]
    Disable(TurnArgs),
}

#[derive(Debug, Clone, Args)]
pub struct CreateArgs {
    #[arg(help = "An event, such as clawback; can be given several times")]
    #[arg(long = "event", value_name = "EVENT", required = true, hide_possible_values = true)]
    #[arg(value_parser = PossibleValuesParser::new(EVENTS))]
    pub events: Vec<String>,
    /// Where the notifications are to be posted
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    pub url: reqwest::Url,
    /// Create them turned off
    #[arg(long)]
    pub disabled: bool,
    #[arg(help = "Which provider [default: the only one]")]
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub struct TurnArgs {
    /// Ids of subscriptions, or how they begin
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
    #[arg(help = "Which provider [default: the only one]")]
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
}

fn parse_url(text: &str) -> Result<reqwest::Url, String> {
    let url = reqwest::Url::parse(text).ok().filter(|url| match url.scheme() {
        "https" => true,
        "http" => request::is_loopback(url),
        _ => false,
    });
    url.ok_or_else(|| "expected an address such as https://hooks.acme.example/kard".to_owned())
}
