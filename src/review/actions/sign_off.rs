//! What is posted about signatures: putting one's name under a report, and taking it back.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;

use crate::decisions::sign_off::{Signing, sign, withdraw};
use crate::exit::{ExitCode, Failure};
use crate::review::access::{Act, Person, Visitor};
use crate::review::desk::Desk;
use crate::review::done::Done;
use crate::review::form::Form;
use crate::review::frame::Refusal;
use crate::review::guard::see_other;
use crate::review::pages::sign_off_page;
use crate::review::sign_off::{Typed, page_address, rules, signed};
use crate::sign_off::Role;

type Run = Path<(String, String, String)>;

/// `POST /runs/RUN/sign-off`
pub(super) async fn post(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Path((job, period, attempt)): Run,
    Extension(form): Extension<Form>,
) -> Result<Response, Refusal> {
    let field = |name| {
        let lacks = || Refusal::Bad(format!("The form lacks the field `{name}`. Nothing was done."));
        form.one(name).ok_or_else(lacks)
    };
    let role = Role::from_name(field("as")?)
        .ok_or_else(|| Refusal::Bad("The field `as` is preparer or reviewer. Nothing was done.".to_owned()))?;
    let act = match role {
        Role::Preparer => Act::Prepare,
        Role::Reviewer => Act::SignOff,
    };
    let person = allowed(&visitor, act)?;
    let (digest, statement) = (field("digest")?, field("statement")?);
    let signed = signed(&desk, &format!("{job}/{period}/{attempt}")).await?;
    let rules = rules(&desk, &signed.run.job)?;
    let signing = Signing { role, by: &person.name, digest, statement };
    match sign(desk.journal(), &signed, signing, rules.as_ref()).await {
        Ok(_) => {
            let done = if role == Role::Preparer { Done::Prepared } else { Done::SignedOff };
            Ok(back(&signed.run.id, done))
        }
        Err(failure) => {
            let typed = Typed { role: Some(role), statement: statement.to_owned(), ..refused(failure)? };
            again(&desk, &visitor, &signed.run.id, &typed).await
        }
    }
}

/// `POST /runs/RUN/sign-off/withdraw`
pub(super) async fn post_withdraw(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Path((job, period, attempt)): Run,
    Extension(form): Extension<Form>,
) -> Result<Response, Refusal> {
    let person = allowed(&visitor, Act::Withdraw)?;
    let signed = signed(&desk, &format!("{job}/{period}/{attempt}")).await?;
    match withdraw(desk.journal(), &signed.run.id, &person.name, form.one("reason").unwrap_or_default()).await {
        Ok(_) => Ok(back(&signed.run.id, Done::Withdrawn)),
        Err(failure) => {
            let typed = Typed { reason: form.one("reason").unwrap_or_default().to_owned(), ..refused(failure)? };
            again(&desk, &visitor, &signed.run.id, &typed).await
        }
    }
}

/// Whoever is signed in and may.
fn allowed(visitor: &Visitor, act: Act) -> Result<&Person, Refusal> {
    visitor.person.as_ref().filter(|_| visitor.may(act)).ok_or(Refusal::Forbidden(act))
}

fn back(run: &str, done: Done) -> Response {
    see_other(&format!("{}?done={}", page_address(run), done.name()))
}

/// What stands against it is told on the page itself; what failed is not.
fn refused(failure: Failure) -> Result<Typed, Refusal> {
    match failure.code {
        ExitCode::Usage | ExitCode::TryAgainLater | ExitCode::InputData => {
            Ok(Typed { problem: failure.to_string(), ..Typed::default() })
        }
        _ => Err(failure.into()),
    }
}

async fn again(desk: &Desk, visitor: &Visitor, run: &str, typed: &Typed) -> Result<Response, Refusal> {
    let page = sign_off_page(desk, visitor, run, typed, html! {}).await?;
    Ok((StatusCode::CONFLICT, page).into_response())
}
