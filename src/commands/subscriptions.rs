//! `tieout subscriptions`: which events the provider tells, and where. Each change is sent once; one that is made
//! already is not sent.

use super::listen::provider;
use super::{Context, World};
use crate::cli::{CreateArgs, SubscriptionsCommand, TurnArgs};
use crate::exit::{ExitCode, Failure};
use crate::output::{Cell, Rows};
use crate::providers::kard::subscriptions::Subscription;
use crate::providers::kard::{Change, Client, KardError};

/// Lists or changes subscriptions.
///
/// # Errors
/// When the provider cannot be asked or refuses; or when nobody knows whether it has made a change.
pub async fn run(mut context: Context, command: SubscriptionsCommand) -> Result<ExitCode, Failure> {
    let world = context.start_world().await?;
    let outcome = work(&mut context, command).await;
    World::stop(world).await;
    outcome
}

async fn work(context: &mut Context, command: SubscriptionsCommand) -> Result<ExitCode, Failure> {
    let named = match &command {
        SubscriptionsCommand::List { provider } => provider,
        SubscriptionsCommand::Create(args) => &args.provider,
        SubscriptionsCommand::Enable(args) | SubscriptionsCommand::Disable(args) => &args.provider,
    };
    let (name, config) = provider(context.load_project()?, named.as_deref())?;
    let desk = Desk {
        client: Client::new(config).map_err(|error| told(name, error))?,
        name: name.to_owned(),
        organization: config.organization.clone(),
    };
    let found = match command {
        SubscriptionsCommand::List { .. } => desk.list().await?,
        SubscriptionsCommand::Create(args) => desk.create(args).await?,
        SubscriptionsCommand::Enable(args) => desk.turn(args, true).await?,
        SubscriptionsCommand::Disable(args) => desk.turn(args, false).await?,
    };
    if found.is_empty() {
        tracing::info!("no subscriptions: {} tells nothing", desk.name);
    }
    context.output.rows(&rows(&found))?;
    Ok(ExitCode::Done)
}

/// Where one provider's subscriptions are seen to.
struct Desk {
    client: Client,
    name: String,
    organization: String,
}

impl Desk {
    async fn list(&self) -> Result<Vec<Subscription>, Failure> {
        self.client.subscriptions(&self.organization).await.map_err(|error| told(&self.name, error))
    }

    async fn create(&self, args: CreateArgs) -> Result<Vec<Subscription>, Failure> {
        let CreateArgs { mut events, url, disabled, .. } = args;
        events.sort_unstable();
        events.dedup();
        let standing = self.list().await?;
        // Before anything is sent: one that cannot be had as it is wanted stops them all.
        for event in &events {
            if let Some(other) = equal(&standing, event, &url).filter(|one| one.enabled == disabled) {
                return Err(turned_otherwise(other));
            }
        }
        let mut found = Vec::new();
        for event in &events {
            if let Some(one) = equal(&standing, event, &url) {
                tracing::info!("{event} is told there already, by {}: nothing is sent", one.id);
                found.push(one.clone());
                continue;
            }
            let sent = self.client.subscribe(&self.organization, event, url.as_str(), !disabled).await;
            let what = format!("the subscription of {event}");
            found.push(self.outcome(sent, &what, &found)?);
            tracing::info!("created {what}");
        }
        Ok(found)
    }

    async fn turn(&self, args: TurnArgs, enabled: bool) -> Result<Vec<Subscription>, Failure> {
        let standing = self.list().await?;
        let wanted = args.ids.iter().map(|id| pick(&standing, id)).collect::<Result<Vec<_>, _>>()?;
        let mut found: Vec<Subscription> = Vec::new();
        for one in wanted {
            let (id, on) = (&one.id, if enabled { "on" } else { "off" });
            if found.iter().any(|done| done.id == *id) {
                continue;
            }
            if one.enabled == enabled {
                tracing::info!("{id} is {on} already: nothing is sent");
                found.push(one.clone());
                continue;
            }
            let sent = self.client.turn_subscription(&self.organization, id, enabled).await;
            found.push(self.outcome(sent, &format!("turning {id} {on}"), &found)?);
            tracing::info!("turned {id} {on}");
        }
        Ok(found)
    }

    /// What came of one change, after those in `before`.
    fn outcome(
        &self,
        sent: Result<Change, KardError>,
        what: &str,
        before: &[Subscription],
    ) -> Result<Subscription, Failure> {
        let made = match before.len() {
            0 => String::new(),
            made => format!("; {made} before it stand"),
        };
        let (code, message) = match sent.map_err(|error| told(&self.name, error))? {
            Change::Made(one) => return Ok(one),
            Change::NotMade { credentials, why } => {
                let code = if credentials { ExitCode::CredentialsRefused } else { ExitCode::PersonNeeded };
                (code, format!("{what} was refused: {why}{made}"))
            }
            Change::NotSent { why } => {
                (ExitCode::ProviderUnavailable, format!("{what} was not sent: {why}{made}; try again later"))
            }
            Change::Unknown { why } => {
                let to_do = "`tieout subscriptions list` shows whether it was made; then give the command again";
                (ExitCode::PersonNeeded, format!("nobody knows what became of {what}: {why}{made}; {to_do}"))
            }
        };
        Err(Failure::new(code, anyhow::anyhow!("provider {}: {message}", self.name)))
    }
}

/// The subscription of this event to this address. Addresses that differ in nothing but how they are written are one.
fn equal<'s>(standing: &'s [Subscription], event: &str, url: &reqwest::Url) -> Option<&'s Subscription> {
    let same = |text: &str| reqwest::Url::parse(text).is_ok_and(|parsed| parsed == *url);
    standing.iter().find(|one| one.event == event && same(&one.url))
}

fn turned_otherwise(one: &Subscription) -> Failure {
    let (is, verb) = if one.enabled { ("on", "disable") } else { ("off", "enable") };
    let Subscription { id, event, .. } = one;
    let message =
        format!("{event} goes there by {id} already, which is turned {is}; see `tieout subscriptions {verb} {id}`");
    Failure::new(ExitCode::PersonNeeded, anyhow::anyhow!(message))
}

/// The one subscription whose id is or begins like this.
fn pick<'s>(standing: &'s [Subscription], id: &str) -> Result<&'s Subscription, Failure> {
    let wrong = |message: String| Failure::new(ExitCode::Usage, anyhow::anyhow!(message));
    if let Some(whole) = standing.iter().find(|one| one.id == id) {
        return Ok(whole);
    }
    let found: Vec<&Subscription> = standing.iter().filter(|one| one.id.starts_with(id)).collect();
    match found[..] {
        [one] if !id.is_empty() => Ok(one),
        [] => Err(wrong(format!("there is no subscription {id}; `tieout subscriptions list` shows all"))),
        _ => {
            let ids: Vec<&str> = found.iter().map(|one| one.id.as_str()).collect();
            Err(wrong(format!("{id} may be any of {}; give more of the id", ids.join(", "))))
        }
    }
}

fn told(name: &str, error: KardError) -> Failure {
    Failure::from(error).context(format!("provider {name}"))
}

fn rows(found: &[Subscription]) -> Rows {
    let mut rows = Rows::new(&["subscription", "event", "url", "enabled"]).whole();
    for Subscription { id, event, url, enabled } in found {
        rows.push(vec![Cell::text(id), Cell::text(event), Cell::text(url), Cell::Flag(*enabled)]);
    }
    rows
}
