//! Doubts about cards that the provider itself can end: it is asked how the card stands now.

use super::provider::told;
use super::{Request, effects};
use crate::effects::{Ask, EffectKind, Event, State};
use crate::exit::Failure;
use crate::job::Effects;
use crate::journal::{EffectFilter, Journal, RunRecord, Writer, kill};
use crate::providers::cards::Looked;

/// Looks at every card of this job about which there is a doubt, of whatever period.
///
/// # Errors
/// When the provider does not answer, or the journal cannot be written. What was seen before that is written first.
pub(super) async fn look(
    request: &Request,
    rules: &Effects,
    journal: &Journal,
    run: &RunRecord,
) -> Result<(), Failure> {
    if rules.cards.is_empty() || request.offline {
        return Ok(());
    }
    let filter =
        EffectFilter { job: Some(request.job.name.clone()), states: vec![State::InDoubt], ..EffectFilter::default() };
    let doubts = journal.effects(&filter).await?;
    let orders: Vec<_> = doubts
        .iter()
        // Another provider, to which the job went before, knows nothing of these cards, or has others by that name.
        .filter(|standing| standing.effect.key.provider == rules.provider)
        .filter_map(|standing| match (&standing.effect.ask, EffectKind::operation(standing.effect.kind())) {
            (Ask::Card(ask), Some(operation)) => Some((standing, ask, operation)),
            _ => None,
        })
        .collect();
    if orders.is_empty() {
        return Ok(());
    }
    let courier = effects::taker(request, rules)?.courier()?;
    let (mut events, mut failed) = (Vec::new(), None);
    for (standing, ask, operation) in orders {
        let (done, what) = match courier.look(operation, &ask.call, ask.card.as_deref()).await {
            Ok(Looked::Done { what }) => (true, what),
            Ok(Looked::NotDone { what }) => (false, what),
            Ok(Looked::Unknown) => continue,
            Err(failure) => {
                failed = Some(told(&rules.provider, failure));
                break;
            }
        };
        tracing::info!(effect = standing.effect.id, done, "the provider was looked at: {what}");
        events.push((standing.effect.id.clone(), Event::Seen { done, what }));
    }
    kill::before("look");
    journal.append(Writer::Run(run), &events).await?;
    kill::after("look");
    failed.map_or(Ok(()), Err)
}
