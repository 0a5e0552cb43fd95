//! What is posted about signatures: putting one's name under a report, and taking it back.

use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;

use crate::decisions::sign_off::{Signing, sign, withdraw};
use crate::exit::{ExitCode, Failure};
use crate::review::access::{Act, Person, Visitor};
use crate::review::desk::Desk;
use crate::review::frame::Refusal;
use crate::review::pages::sign_off_page;
use crate::review::sign_off::{Typed, address, rules, signed};
use crate::sign_off::Role;

#[derive(Debug, Deserialize)]
pub(super) struct Signature {
    r#as: String,
    digest: String,
    statement: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Withdrawal {
    reason: String,
}

type Run = Path<(String, String, String)>;

/// `POST /runs/RUN/sign-off`
pub(super) async fn post(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Path((job, period, attempt)): Run,
    form: Result<Form<Signature>, FormRejection>,
) -> Result<Response, Refusal> {
    let Form(form) = form.map_err(|rejection| Refusal::Bad(rejection.body_text()))?;
    let role = Role::from_name(&form.r#as)
        .ok_or_else(|| Refusal::Bad("The field `as` is preparer or reviewer. Nothing was done.".to_owned()))?;
    let act = match role {
        Role::Preparer => Act::Prepare,
        Role::Reviewer => Act::SignOff,
    };
    let person = allowed(&visitor, act)?;
    let signed = signed(&desk, &format!("{job}/{period}/{attempt}")).await?;
    let rules = rules(&desk, &signed.run.job)?;
    let signing = Signing { role, by: &person.name, digest: &form.digest, statement: &form.statement };
    match sign(desk.journal(), &signed, signing, rules.as_ref()).await {
        Ok(_) => {
            let done = if role == Role::Preparer { "prepared" } else { "signed-off" };
            Ok(back(&signed.run.id, done))
        }
        Err(failure) => {
            let typed = Typed { role: Some(role), statement: form.statement, ..refused(failure)? };
            again(&desk, &visitor, &signed.run.id, &typed).await
        }
    }
}

/// `POST /runs/RUN/sign-off/withdraw`
pub(super) async fn post_withdraw(
    State(desk): State<Desk>,
    Extension(visitor): Extension<Visitor>,
    Path((job, period, attempt)): Run,
    form: Result<Form<Withdrawal>, FormRejection>,
) -> Result<Response, Refusal> {
    let Form(form) = form.map_err(|rejection| Refusal::Bad(rejection.body_text()))?;
    let person = allowed(&visitor, Act::Withdraw)?;
    let signed = signed(&desk, &format!("{job}/{period}/{attempt}")).await?;
    match withdraw(desk.journal(), &signed.run.id, &person.name, &form.reason).await {
        Ok(_) => Ok(back(&signed.run.id, "withdrawn")),
        Err(failure) => {
            let typed = Typed { reason: form.reason, ..refused(failure)? };
            again(&desk, &visitor, &signed.run.id, &typed).await
        }
    }
}

/// Whoever is signed in and may.
fn allowed(visitor: &Visitor, act: Act) -> Result<&Person, Refusal> {
    visitor.person.as_ref().filter(|_| visitor.may(act)).ok_or(Refusal::Forbidden(act))
}

fn back(run: &str, done: &str) -> Response {
    Redirect::to(&format!("{}?done={done}", address(run))).into_response()
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
    let page = sign_off_page(desk, visitor, run, typed, None).await?;
    Ok((StatusCode::CONFLICT, page).into_response())
}
