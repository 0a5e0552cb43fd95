//! The part of a run's page on which its report is signed: who has, what the signature is about, and what became of it.

use maud::{Markup, html};

use super::access::{Act, Visitor};
use super::address;
use super::desk::Desk;
use super::frame::{Refusal, form};
use super::pages::parts::time;
use crate::decisions::sign_off::Signed;
use crate::exit::Failure;
use crate::job::{Effects, load};
use crate::journal::{JournalError, RunRecord};
use crate::sign_off::life::Withdrawal;
use crate::sign_off::words::stands;
use crate::sign_off::{DEFAULT_STATEMENT, MOST_WORDS, Role, SignOffState, Signature, Standing, Validity};
use crate::text::visible;

/// What somebody has typed that could not be taken, and why; it is shown again.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    pub problem: String,
    pub role: Option<Role>,
    pub statement: String,
    pub reason: String,
}

/// The section for the page of a run.
///
/// # Errors
/// When there is no such run, or its report or the journal cannot be read.
pub async fn section(desk: &Desk, visitor: &Visitor, run: &str) -> Result<Markup, Refusal> {
    section_with(desk, visitor, run, &Typed::default()).await
}

/// As [`section`], with what was typed before.
///
/// # Errors
/// As [`section`].
pub async fn section_with(desk: &Desk, visitor: &Visitor, run: &str, typed: &Typed) -> Result<Markup, Refusal> {
    let signed = signed(desk, run).await?;
    let rules = rules(desk, &signed.run.job);
    Ok(html! {
        section.sign-off aria-labelledby="sign-off" {
            h2 #sign-off { "Signatures" }
            @if !typed.problem.is_empty() {
                p.banner.refused role="alert" { "Not done: " bdi { (visible(&typed.problem)) } }
            }
            (told(&signed))
            (facts(&signed))
            (forms(visitor, &signed, &rules, typed))
        }
    })
}

/// In short, for the page of a run: whose names stand under its report, and where it is signed. Whether its files are
/// still those that were signed is looked at on that page, which reads them.
///
/// # Errors
/// When the journal cannot be read.
pub async fn brief(desk: &Desk, run: &RunRecord) -> Result<Markup, JournalError> {
    let standing = desk.journal().sign_off(&run.id).await?;
    let last = desk.journal().last_finished(&run.job, &run.period).await?.map(|last| last.id);
    let later = last.filter(|last| *last != run.id);
    let words = standing.as_ref().map(|standing| stands(standing.state));
    let by = |signature: &Option<Signature>| signature.as_ref().map(|signature| visible(&signature.by).into_owned());
    let names = standing.as_ref().map(|standing| (by(&standing.prepared), by(&standing.signed_off)));
    let (prepared, signed) = names.unwrap_or_default();
    Ok(html! {
        section.note aria-labelledby="sign-off" {
            h2 #sign-off { "Sign-off" }
            p {
                @if let Some(words) = words { "This report is " (words) "." } @else { "Nobody has signed this report." }
                @if let Some(name) = &prepared { " Prepared by " bdi { (name) } "." }
                @if let Some(name) = &signed { " Reviewed by " bdi { (name) } "." }
                @if let (Some(later), true) = (&later, standing.is_some()) {
                    " Superseded: " a href=(address::run(later)) { bdi { (visible(later)) } } " has finished since."
                }
                " " a href=(page_address(&run.id)) { "Signatures, and signing" }
            }
        }
    })
}

/// What is known about the signatures of a run.
pub(super) async fn signed(desk: &Desk, run: &str) -> Result<Signed, Refusal> {
    match desk.journal().run(run).await {
        Err(JournalError::UnknownRun { .. }) => return Err(Refusal::NotFound(format!("run {run}"))),
        known => known?,
    };
    Ok(Signed::read(desk.journal(), desk.kept(), run).await?)
}

/// The rules of the job as its file says now; a file that is wrong lets nobody sign.
pub(super) fn rules(desk: &Desk, job: &str) -> Result<Option<Effects>, Failure> {
    let job = load(desk.project(), job);
    let job = job.map_err(|problems| Failure::new(crate::exit::ExitCode::Configuration, problems))?;
    Ok(job.effects().cloned())
}

/// The address of a run's own page for signing.
pub(super) fn page_address(run: &str) -> String {
    format!("{}/sign-off", address::run(run))
}

/// The state in one sentence, loud where it matters.
fn told(signed: &Signed) -> Markup {
    let Some((standing, validity)) = signed.standing.as_ref().zip(signed.validity()) else {
        return html! { p.banner { "Nobody has signed this report." } };
    };
    let done = stands(standing.state);
    html! {
        @match &validity {
            Validity::Current => p.banner.current { "This report is " (done) "." },
            Validity::Withdrawn => p.banner { "This report is " (done) "." },
            Validity::Superseded { run } => p.banner.superseded {
                "Superseded: this report was " (done) ", and "
                a href=(address::run(run)) { bdi { (visible(run)) } }
                " has finished since. The signature does not cover it."
            },
            Validity::ReportChanged => p.banner.superseded {
                "Report changed: its files are not those that were signed. The signature does not cover them."
            },
            Validity::ReportGone => p.banner.superseded { "Report gone: it was " (done) ", and its files are not there any more." },
        }
    }
}

fn facts(signed: &Signed) -> Markup {
    let standing = signed.standing.as_ref();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table: Signatures" { table.signatures {
            caption { "Signatures under this report" }
            thead { tr { th scope="col" { "Role" } th scope="col" { "Name" } th scope="col" { "Time" } th scope="col" { "Statement" } } }
            tbody {
                (signature("Preparer", standing.and_then(|standing| standing.prepared.as_ref())))
                (signature("Reviewer", standing.and_then(|standing| standing.signed_off.as_ref())))
                @if let Some(withdrawn) = standing.and_then(|standing| standing.withdrawn.as_ref()) { (withdrawal(withdrawn)) }
            }
        } }
        dl.places.digests {
            dt { "Digest of the report" }
            dd { @match &signed.digest_now { Some(digest) => code { (digest) }, None => "no report" } }
            @if let Some(standing) = standing.filter(|standing| Some(&standing.digest) != signed.digest_now.as_ref()) {
                dt { "Digest that was signed" }
                dd { code { (standing.digest) } }
            }
            dt { "Run started by" }
            dd { @match signed.started_by() { Some(name) => bdi { (visible(name)) }, None => "not known" } }
        }
        p.soft {
            "A signature is about these bytes of the report, and says that somebody stands for it. It does not close the \
             period: a seal does that."
        }
    }
}

fn signature(role: &str, signature: Option<&Signature>) -> Markup {
    html! {
        tr {
            th scope="row" { (role) }
            @if let Some(signature) = signature {
                td { bdi { (visible(&signature.by)) } }
                td { (time(signature.at)) }
                td.wide { bdi { (visible(&signature.statement)) } }
            } @else {
                td { "nobody" } td { "–" } td { "–" }
            }
        }
    }
}

fn withdrawal(withdrawn: &Withdrawal) -> Markup {
    html! {
        tr {
            th scope="row" { "Withdrawn" }
            td { bdi { (visible(&withdrawn.by)) } }
            td { (time(withdrawn.at)) }
            td.wide { bdi { (visible(&withdrawn.reason)) } }
        }
    }
}

fn forms(visitor: &Visitor, signed: &Signed, rules: &Result<Option<Effects>, Failure>, typed: &Typed) -> Markup {
    let Some(person) = &visitor.person else { return html! {} };
    let action = page_address(&signed.run.id);
    let is_signed =
        signed.standing.as_ref().is_some_and(|standing: &Standing| standing.state != SignOffState::Withdrawn);
    let Ok(rules) = rules else {
        return html! { p.note { "The file of this job is wrong now: nothing is signed until it is mended." } };
    };
    let digest = signed.digest_now.as_deref().unwrap_or_default();
    html! {
        @for (role, act, button) in [
            (Role::Preparer, Act::Prepare, "Sign as preparer"),
            (Role::Reviewer, Act::SignOff, "Sign off as reviewer"),
        ] {
            @if visitor.may(act) {
                @match signed.check(role, &person.name, digest, rules.as_ref()) {
                    Ok(()) => (form(visitor, act, &action, &signing(role, digest, button, typed))),
                    Err(refused) => p.soft { (button) ": not now, " bdi { (visible(&refused.to_string())) } "." },
                }
            }
        }
        @if is_signed { (form(visitor, Act::Withdraw, &format!("{action}/withdraw"), &withdrawing(typed))) }
    }
}

fn signing(role: Role, digest: &str, button: &str, typed: &Typed) -> Markup {
    let is_again = typed.role == Some(role) && !typed.statement.is_empty();
    let statement = if is_again { typed.statement.as_str() } else { DEFAULT_STATEMENT };
    let id = format!("statement-{}", role.name());
    html! {
        fieldset {
            legend { (button) }
            input type="hidden" name="as" value=(role.name());
            input type="hidden" name="digest" value=(digest);
            label for=(id) { "Statement" }
            textarea #(id) name="statement" required rows="4" maxlength=(MOST_WORDS) { (statement) }
            button.yes { (button) }
        }
    }
}

fn withdrawing(typed: &Typed) -> Markup {
    html! {
        fieldset {
            legend { "Withdraw the signatures" }
            label for="withdraw-reason" { "Reason" }
            input #withdraw-reason name="reason" required maxlength=(MOST_WORDS) value=(typed.reason);
            button.no { "Withdraw" }
        }
    }
}
