//! The part of `tieout doctor` about the pages for review: who may sign in, and whether it is safe.

use super::doctor::{Check, Verdict};
use crate::exit::{ExitCode, Failure};
use crate::project::Project;
use crate::review::gate::Gate;

/// The block `review:` of the project file; none where there is none.
pub(super) fn check(project: &Project) -> Option<Check> {
    let review = project.review.as_ref()?;
    let what = "review";
    let gate = match Gate::open(&project.root, review) {
        Ok(gate) => gate,
        Err(error) => {
            let to_do = "see `review:` in the README; `tieout review user` writes an entry";
            return Some(Check::fail(what, ExitCode::Configuration, Failure::from(error).to_string(), to_do));
        }
    };
    let users = gate.users();
    let mut found = match users {
        0 => "nobody signs in with a password".to_owned(),
        1 => "1 user".to_owned(),
        users => format!("{users} users"),
    };
    if gate.proxy.is_some() {
        found.push_str(", or a proxy says who asks");
    }
    if !gate.has_sign_in() {
        return Some(Check::ok(what, "pages for looking, on this machine alone"));
    }
    if gate.is_https() || gate.is_local() {
        return Some(Check::ok(what, found));
    }
    Some(Check {
        what: what.to_owned(),
        verdict: Verdict::Warn,
        found: format!("{found}; passwords and sessions pass over plain http"),
        to_do: "put TLS before the pages and write https:// at review.url".to_owned(),
    })
}
