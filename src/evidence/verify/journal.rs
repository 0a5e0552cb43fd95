//! What the journal in the evidence proves of effects, the plan, the seal and the signatures.

use serde::Deserialize;

use super::{Checked, Mark, Seen};
use crate::effects::{Anchor, Standing as Effect};
use crate::evidence::chain::each_line;
use crate::evidence::{ANCHOR, Archive, EFFECTS, PLAN, RUN, SIGN_OFF};
use crate::seals::life::seal_id;
use crate::sign_off::{SignOffState, Standing as SignOff};
use crate::text::visible;

/// Every entry follows the one before it, up to the anchor, and by the way of what the report knows.
pub(super) fn journal(archive: &mut Archive, seen: &mut Seen) -> Checked {
    let anchor: Anchor =
        serde_json::from_slice(&archive.whole(ANCHOR)?).map_err(|error| format!("{ANCHOR} cannot be read: {error}"))?;
    if let Some(known) = seen.summary.effects.as_ref().and_then(|effects| effects.anchor.as_ref()) {
        seen.chain.anchors.insert(known.sequence, known.hash.clone());
    }
    seen.chain.read(archive)?;
    let end = &seen.chain.end;
    if *end != anchor {
        let (sequence, hash) = (anchor.sequence, visible(&anchor.hash));
        return Err(format!("it ends with {}:{}; {ANCHOR} states {sequence}:{hash}", end.sequence, end.hash));
    }
    if let Some((sequence, _)) = seen.chain.anchors.range(end.sequence + 1..).next() {
        return Err(format!("it ends with entry {}; the report knows entry {sequence}", end.sequence));
    }
    let words = format!("{} entries, {} in full, up to {}:{}", end.sequence, seen.chain.full, end.sequence, end.hash);
    Ok((Mark::Well, words))
}

/// Each effect stands where its entries lead.
pub(super) fn effects(archive: &mut Archive, seen: &Seen) -> Checked {
    #[derive(Deserialize)]
    struct Line {
        effect: String,
        standing: Effect,
        steps: Vec<Step>,
    }
    #[derive(Deserialize)]
    struct Step {
        sequence: u64,
    }
    let mut listed = std::collections::BTreeSet::new();
    each_line(archive, EFFECTS, |line| {
        let line: Line = serde_json::from_slice(line).map_err(|error| format!("{EFFECTS} cannot be read: {error}"))?;
        let id = visible(&line.effect).into_owned();
        if seen.chain.effects.get(&line.effect) != Some(&line.standing) {
            return Err(format!("{EFFECTS} tells of effect {id} what its entries do not"));
        }
        if line.steps.is_empty() || line.steps.iter().any(|step| step.sequence > seen.chain.end.sequence) {
            return Err(format!("{EFFECTS} tells of steps of effect {id} that are not in the journal"));
        }
        listed.insert(line.effect);
        Ok(())
    })?;
    let run = &seen.run.run;
    let own = seen.chain.effects.values().map(|standing| &standing.effect);
    let mut own = own.filter(|effect| effect.job == run.job && effect.period == run.period);
    if let Some(missing) = own.find(|effect| !listed.contains(&effect.id)) {
        return Err(format!("effect {} is in the journal, and not in {EFFECTS}", visible(&missing.id)));
    }
    Ok((Mark::Well, format!("{} effects stand where their entries lead", listed.len())))
}

/// The plan is that of the report, and what it wants is among the effects.
pub(super) fn plan(archive: &mut Archive, seen: &Seen) -> Checked {
    #[derive(Deserialize)]
    struct Plan {
        plan: Option<String>,
        effects: Vec<Wanted>,
    }
    #[derive(Deserialize)]
    struct Wanted {
        effect: String,
    }
    let plan: Plan =
        serde_json::from_slice(&archive.whole(PLAN)?).map_err(|error| format!("{PLAN} cannot be read: {error}"))?;
    let reported = seen.summary.effects.as_ref().map(|effects| effects.plan.as_str()).filter(|plan| !plan.is_empty());
    if let Some(reported) = reported.filter(|reported| plan.plan.as_deref() != Some(reported)) {
        let found = plan.plan.as_deref().unwrap_or("none");
        return Err(format!("{PLAN} is about plan {}; the report is about {}", visible(found), visible(reported)));
    }
    if let Some(other) = plan.effects.iter().find(|wanted| !seen.chain.effects.contains_key(&wanted.effect)) {
        return Err(format!("effect {} of {PLAN} is not in the journal", visible(&other.effect)));
    }
    match plan.plan {
        Some(digest) => Ok((Mark::Well, format!("{} effects, plan {}", plan.effects.len(), visible(&digest)))),
        None => Ok((Mark::Note, "the run wanted nothing of a provider".to_owned())),
    }
}

/// The seal is what its entries add up to.
pub(super) fn seal(seen: &Seen) -> Checked {
    let stated = seen.run.seal.as_ref();
    let run = &seen.run.run;
    let found = seen.chain.seals.get(&seal_id(&run.job, &run.period));
    if stated != found {
        return Err(format!("{RUN} tells of the seal what its entries do not"));
    }
    Ok(match found.filter(|seal| seal.is_sealed()) {
        Some(seal) => {
            (Mark::Note, format!("the period is sealed with run {}, by {}", visible(&seal.run), visible(&seal.by)))
        }
        None => (Mark::Note, "the period is not sealed".to_owned()),
    })
}

/// The signatures are what their entries add up to, and under this report.
pub(super) fn sign_off(archive: &mut Archive, seen: &Seen) -> Checked {
    #[derive(Deserialize)]
    struct Signed {
        run: String,
        report_digest: String,
        standing: Option<SignOff>,
        other_attempts: Vec<SignOff>,
    }
    let signed: Signed = serde_json::from_slice(&archive.whole(SIGN_OFF)?)
        .map_err(|error| format!("{SIGN_OFF} cannot be read: {error}"))?;
    let run = &seen.run.run;
    if signed.run != run.id || signed.report_digest != seen.run.report_digest {
        return Err(format!("{SIGN_OFF} is about another report than {RUN}"));
    }
    if signed.standing.as_ref() != seen.chain.sign_offs.get(&run.id) {
        return Err(format!("{SIGN_OFF} tells of run {} what its entries do not", visible(&run.id)));
    }
    let others = signed.other_attempts.iter();
    if let Some(other) = others.into_iter().find(|other| seen.chain.sign_offs.get(&other.run) != Some(*other)) {
        return Err(format!("{SIGN_OFF} tells of run {} what its entries do not", visible(&other.run)));
    }
    let Some(standing) = signed.standing else { return Ok((Mark::Note, "nobody has signed this report".to_owned())) };
    if standing.state == SignOffState::Withdrawn {
        return Ok((Mark::Note, "the signatures under this report were withdrawn".to_owned()));
    }
    if standing.digest != seen.run.report_digest {
        return Err(format!("signed was {}, and this report is another one", standing.digest));
    }
    let by = |one: Option<&crate::sign_off::Signature>| {
        one.map_or_else(|| "nobody".to_owned(), |one| format!("{} ({})", visible(&one.by), one.at.to_rfc3339()))
    };
    let mut words = format!(
        "this report: prepared by {}, signed off by {}",
        by(standing.prepared.as_ref()),
        by(standing.signed_off.as_ref())
    );
    if let Some(later) = &seen.run.superseded_by {
        words.push_str("; superseded by ");
        words.push_str(&visible(later));
        return Ok((Mark::Note, words));
    }
    Ok((if standing.state == SignOffState::SignedOff { Mark::Well } else { Mark::Note }, words))
}
