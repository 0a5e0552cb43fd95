//! What people decide in a real browser: each decision is made with the forms of the pages, by somebody who has signed
//! in, and looked up in the journal by the command line.

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::house::PASSWORD;
use crate::support::stage::{DOUBTED, OTHER_REVIEWER, RUN, Stage};

const EFFECTS: &str = "/runs/rewards-daily/2025-03-19/2/effects";
const SIGN_OFF: &str = "/runs/rewards-daily/2025-03-19/2/sign-off";

/// A break by its kind and key, on its page.
async fn opens(stage: &Stage, browser: &Browser, kind: &str, key: &str) -> String {
    let id = stage.a_break(kind, key);
    browser.open(&stage.at(&format!("/breaks/{id}"))).await;
    browser.has("What can be done").await;
    id
}

/// Fills in one form of the page and sends it; the page that follows says this.
async fn decides(browser: &Browser, deed: &str, fields: &[(&str, &str)], says: &str) {
    let form = format!("form[action$='/{deed}']");
    let folded = format!("details:not([open]):has({form}) > summary");
    if browser.count(&folded).await > 0 {
        browser.click(&folded).await;
    }
    for (name, text) in fields {
        browser.fill(&format!("{form} [name={name}]"), text).await;
    }
    browser.click(&format!("{form} button")).await;
    browser.has(says).await;
}

/// Status of a break, and its last event, as `breaks show` tells them.
fn life(stage: &Stage, id: &str) -> (String, Value) {
    let shown = stage.told(&["breaks", "show", id]);
    let last = shown["history"].as_array().unwrap().last().unwrap()["event"].clone();
    (shown["standing"]["status"].as_str().unwrap().to_owned(), last)
}

/// Ticks the effects of these transactions.
async fn chooses(stage: &Stage, browser: &Browser, transactions: &[&str]) {
    browser.open(&stage.at(EFFECTS)).await;
    for transaction in transactions {
        let id = stage.effect(transaction)["effect"].as_str().unwrap().to_owned();
        browser.click(&format!("input[name=effect][value='{id}']")).await;
    }
}

fn state(stage: &Stage, transaction: &str) -> String {
    stage.effect(transaction)["state"].as_str().unwrap().to_owned()
}

/// Posts by hand, as a script of the page could, with the token of whoever is signed in: status and page.
async fn posts(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> (u64, String) {
    let script = format!(
        "const fields = new URLSearchParams({}); \
         fields.append('token', document.querySelector('form.who [name=token]').value); \
         fetch({path:?}, {{method: 'POST', body: fields}}).then(async reply => done([reply.status, await reply.text()]), \
         error => done([0, String(error)]));",
        json!(fields)
    );
    let found = browser.waited(&script).await;
    (found[0].as_u64().unwrap(), found[1].as_str().unwrap().to_owned())
}

#[test]
#[ignore = "needs Chromium, chromedriver and axe-core: .ci/browser"]
fn breaks_are_decided_about_by_those_who_may() {
    let stage = Stage::new();
    stage.runtime.block_on(async {
        let browser = Browser::start().await;
        signing_in(&stage, &browser).await;
        viewing(&stage, &browser).await;
        preparing(&stage, &browser).await;
        reviewing_breaks(&stage, &browser).await;
        breaks_in_two_tabs(&stage, &browser).await;
        leaving(&stage, &browser).await;
    });
    stage.project.run(&["journal", "verify"]).ended_with(0);
}

async fn signing_in(stage: &Stage, browser: &Browser) {
    // Who asks for a page comes to it.
    browser.open(&stage.at(EFFECTS)).await;
    browser.has("Password").await;
    browser.fill("#name", "vera").await;
    browser.fill("#password", "not hers").await;
    browser.press("Sign in").await;
    browser.has("Name and password do not fit together.").await;
    browser.came_with(403).await;
    let entry = stage.entries().pop().unwrap();
    assert_eq!((&entry["access"], &entry["event"]["event"]), (&json!("vera"), &json!("sign_in_failed")));
    assert_eq!(browser.script("return document.querySelector('#name').value").await, "vera");
    assert_eq!(browser.script("return document.querySelector('#password').value").await, "");
    browser.is_accessible().await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.has("4 effects wait for approval.").await;
    browser.has("vera (viewer)").await;
    browser.is_quiet().await;
}

/// A viewer sees no forms, and what is posted all the same is refused.
async fn viewing(stage: &Stage, browser: &Browser) {
    let (id, before) = (stage.a_break("amount_mismatch", "txn-0319-0015"), stage.entries().len());
    for path in [EFFECTS, SIGN_OFF, "/in-doubt", "/effects", &format!("/breaks/{id}")] {
        browser.open(&stage.at(path)).await;
        browser.has("vera (viewer)").await;
        assert_eq!(browser.count("main form[method=post], main input[type=checkbox]").await, 0, "{path}");
    }
    browser.has("Takes the role reviewer.").await;
    browser.is_quiet().await;
    let (status, page) = posts(browser, &format!("/breaks/{id}/comment"), &[("text", "by hand")]).await;
    assert!(status == 403 && page.contains("This takes the role preparer. Nothing was done."), "{status} {page}");
    assert_eq!(stage.entries().len(), before);
    browser.is_quiet_but(403).await;
}

async fn preparing(stage: &Stage, browser: &Browser) {
    stage.signs_in(browser, "paul").await;
    let id = opens(stage, browser, "amount_mismatch", "txn-0319-0015").await;
    let hostile = "<script>alert(1)</script> asked the shop";
    decides(browser, "comment", &[("text", hostile)], "The comment is kept.").await;
    assert_eq!(life(stage, &id).1, json!({"event": "commented", "text": hostile, "by": "paul"}));
    browser.has(hostile).await;
    decides(browser, "assign", &[("to", "Robin Roe")], "It is assigned.").await;
    assert_eq!(life(stage, &id).1, json!({"event": "assigned", "to": "Robin Roe", "by": "paul"}));
    decides(browser, "confirm", &[("reason", "the slip says 12.50")], "It is confirmed.").await;
    let (status, event) = life(stage, &id);
    assert_eq!(status, "confirmed");
    assert_eq!(event, json!({"event": "confirmed", "by": "paul", "reason": "the slip says 12.50"}));
    for deed in ["write-off", "force-match", "reopen"] {
        assert_eq!(browser.count(&format!("form[action$='/{deed}']")).await, 0, "{deed}");
    }
    // The list of the run says where it stands now.
    browser.open(&stage.at(&format!("/runs/{RUN}/breaks?q=txn-0319-0015"))).await;
    browser.has("now Robin Roe").await;
    browser.has("now confirmed").await;

    browser.open(&stage.at(EFFECTS)).await;
    browser.has("To approve or reject takes the role reviewer.").await;
    assert_eq!(browser.count("main button, main input").await, 0);
    let effect = stage.effect("txn-0319-0019");
    let before = stage.entries().len();
    for deed in ["approve", "reject"] {
        let fields = [("plan", "of no use"), ("effect", effect["effect"].as_str().unwrap()), ("comment", "by hand")];
        let (status, page) = posts(browser, &format!("{EFFECTS}/{deed}"), &fields).await;
        assert!(status == 403 && page.contains("This takes the role reviewer."), "{status} {page}");
    }
    assert_eq!((stage.entries().len(), &*state(stage, "txn-0319-0019")), (before, "proposed"));
    browser.is_quiet_but(403).await;
}

async fn reviewing_breaks(stage: &Stage, browser: &Browser) {
    stage.signs_in(browser, "rosa").await;
    let id = opens(stage, browser, "webhook_only", "txn-0319-0053").await;
    // What must be said is asked for before anything is sent.
    browser.click("details:has(form[action$='/write-off']) > summary").await;
    browser.click("form[action$='/write-off'] button").await;
    let asked = "return document.querySelector(\"form[action$='/write-off'] :invalid\").name";
    assert_eq!(browser.script(asked).await, "reason");
    browser.fill("form[action$='/write-off'] [name=reason]", "40 cents are lost").await;
    browser.click("form[action$='/write-off'] button").await;
    browser.has("It is written off.").await;
    let written = json!({"event": "written_off", "by": "rosa", "reason": "40 cents are lost"});
    assert_eq!(life(stage, &id), ("written_off".to_owned(), written));
    assert_eq!(browser.count("form[action$='/reopen']").await, 0, "that is an admin's");

    let id = opens(stage, browser, "missing_in_file", "txn-0319-0023").await;
    let fields = [("with", "txn-0319-0099"), ("reason", "the key was typed by hand")];
    decides(browser, "force-match", &fields, "It is matched by hand.").await;
    let matched = json!({
        "event": "force_matched", "with": "txn-0319-0099", "by": "rosa", "reason": "the key was typed by hand"
    });
    assert_eq!(life(stage, &id), ("force_matched".to_owned(), matched));

    let id = opens(stage, browser, "suggested_match", "txn-0319-0050 = txn-0319-0050-a").await;
    decides(browser, "accept", &[("reason", "same card, same day")], "The suggestion is accepted.").await;
    let accepted = json!({"event": "suggestion_accepted", "by": "rosa", "reason": "same card, same day"});
    assert_eq!(life(stage, &id).1, accepted);
    browser.is_quiet().await;
}

/// Of two who look at the same break, the second is told what the first has done, and keeps what was typed.
async fn breaks_in_two_tabs(stage: &Stage, browser: &Browser) {
    let first = browser.tab().await;
    let id = opens(stage, browser, "duplicate_row", "txn-0319-0051").await;
    let second = browser.another_tab().await;
    opens(stage, browser, "duplicate_row", "txn-0319-0051").await;
    browser.turn_to(&first).await;
    decides(browser, "write-off", &[("reason", "paid twice")], "It is written off.").await;
    let before = stage.entries().len();
    browser.turn_to(&second).await;
    let says = "This break is written off now, and only";
    decides(browser, "force-match", &[("reason", "my own long words")], says).await;
    browser.came_with(409).await;
    let kept = "return document.querySelector('textarea').value";
    assert_eq!(browser.script(kept).await, "my own long words");
    assert_eq!(stage.entries().len(), before, "nothing was done");
    browser.is_accessible().await;
    browser.shots("second-to-decide").await;
    browser.follow("Back, as it is now").await;
    browser.has("What can be done").await;
    assert!(browser.address().await.contains(&id), "{}", browser.address().await);

    stage.signs_in(browser, "ada").await;
    opens_closed(stage, browser, &id).await;
    decides(browser, "reopen", &[("reason", "it was paid once")], "It is open again.").await;
    let (status, event) = life(stage, &id);
    assert_eq!(status, "open");
    assert_eq!(event, json!({"event": "reopened_by_person", "by": "ada", "reason": "it was paid once"}));
    browser.is_quiet().await;
}

async fn opens_closed(stage: &Stage, browser: &Browser, id: &str) {
    browser.open(&stage.at(&format!("/breaks/{id}"))).await;
    browser.has("Open again").await;
}

/// Signing out ends it: in every tab, and for forms that are open still.
async fn leaving(stage: &Stage, browser: &Browser) {
    let left = browser.tab().await;
    opens(stage, browser, "file_only", "txn-0319-0039").await;
    browser.another_tab().await;
    browser.open(&stage.at("/")).await;
    browser.press("Sign out").await;
    browser.has("Password").await;
    browser.open(&stage.at(EFFECTS)).await;
    browser.has("Password").await;
    let before = stage.entries().len();
    browser.turn_to(&left).await;
    decides(browser, "comment", &[("text", "too late")], "Nobody is signed in here, or no longer.").await;
    browser.came_with(403).await;
    assert_eq!(browser.script("return document.querySelector('textarea').value").await, "too late");
    assert_eq!(stage.entries().len(), before);
}

#[test]
#[ignore = "needs Chromium, chromedriver and axe-core: .ci/browser"]
fn effects_are_decided_about_and_a_report_is_signed() {
    let stage = Stage::new();
    stage.runtime.block_on(async {
        let browser = Browser::start().await;
        four_eyes(&stage, &browser).await;
        approving(&stage, &browser).await;
        rejecting(&stage, &browser).await;
        resolving(&stage, &browser).await;
        signing(&stage, &browser).await;
    });
    stage.project.run(&["journal", "verify"]).ended_with(0);
}

/// Who has started the run does not approve its audits.
async fn four_eyes(stage: &Stage, browser: &Browser) {
    stage.signs_in(browser, "rosa").await;
    chooses(stage, browser, &["txn-0319-0019"]).await;
    browser.fill("textarea[name=comment]", "I have looked at it").await;
    let before = stage.entries().len();
    browser.press("Approve what is chosen").await;
    browser.has("You have started this run, and its job asks that somebody else approves.").await;
    browser.came_with(403).await;
    assert_eq!(browser.script("return document.querySelector('textarea').value").await, "I have looked at it");
    assert_eq!((stage.entries().len(), &*state(stage, "txn-0319-0019")), (before, "proposed"));
}

/// In two tabs at once: the first approves, and the second is told so.
async fn approving(stage: &Stage, browser: &Browser) {
    stage.signs_in(browser, OTHER_REVIEWER).await;
    let plan = stage.effect("txn-0319-0019");
    let plan = stage.told(&["effects", "show", plan["effect"].as_str().unwrap()])["standing"]["plan"].clone();
    let first = browser.tab().await;
    chooses(stage, browser, &["txn-0319-0019", "txn-0319-0015"]).await;
    let second = browser.another_tab().await;
    chooses(stage, browser, &["txn-0319-0019", "txn-0319-0006"]).await;
    browser.fill("textarea[name=comment]", "my own long words").await;

    browser.turn_to(&first).await;
    let before = stage.entries().len();
    browser.fill("textarea[name=comment]", "both amounts are on the slip").await;
    browser.press("Approve what is chosen").await;
    browser.has("Approved: the next run of the job for the period sends it.").await;
    browser.has("2 effects wait for approval.").await;
    let approved = json!({
        "event": "approved", "plan": plan, "comment": "both amounts are on the slip",
        "by": {"approver": "person", "name": OTHER_REVIEWER},
    });
    let events: Vec<Value> = stage.entries()[before..].iter().map(|entry| entry["event"].clone()).collect();
    assert_eq!(events, [approved.clone(), approved]);
    assert_eq!(["txn-0319-0019", "txn-0319-0015"].map(|id| state(stage, id)), ["approved", "approved"]);
    browser.is_quiet().await;

    browser.turn_to(&second).await;
    let before = stage.entries().len();
    browser.press("Approve what is chosen").await;
    browser.has("is approved now, and only").await;
    browser.came_with(409).await;
    assert_eq!(browser.script("return document.querySelector('textarea').value").await, "my own long words");
    assert_eq!((stage.entries().len(), &*state(stage, "txn-0319-0006")), (before, "proposed"), "all or nothing");
    // Nothing chosen is nothing done.
    chooses(stage, browser, &[]).await;
    browser.press("Approve what is chosen").await;
    browser.has("No effect was chosen. Nothing was decided.").await;
    browser.came_with(400).await;
    assert_eq!(stage.entries().len(), before);
}

async fn rejecting(stage: &Stage, browser: &Browser) {
    let before = stage.entries().len();
    chooses(stage, browser, &["txn-0319-0021"]).await;
    browser.press("Reject what is chosen").await;
    browser.has("The field comment is empty.").await;
    browser.came_with(400).await;
    assert_eq!(stage.entries().len(), before);
    chooses(stage, browser, &["txn-0319-0021"]).await;
    browser.fill("textarea[name=comment]", "the shop has explained it").await;
    browser.press("Reject what is chosen").await;
    browser.has("Refused: it is not sent.").await;
    browser.has("1 effect waits for approval.").await;
    let refused = json!({"event": "refused", "by": OTHER_REVIEWER, "comment": "the shop has explained it"});
    assert_eq!((stage.last(), &*state(stage, "txn-0319-0021")), (refused, "refused"));
}

async fn resolving(stage: &Stage, browser: &Browser) {
    browser.open(&stage.at("/in-doubt")).await;
    browser.has("1 effect is in doubt").await;
    browser.click("input[name=decision][value=applied]").await;
    browser.fill("form[action$='/resolve'] [name=reason]", "Kard says it has it").await;
    browser.press("End the doubt").await;
    browser.has("The doubt is over.").await;
    browser.has("0 effects are in doubt").await;
    let event = stage.last();
    let told = ["event", "decision", "by", "reason"].map(|field| event[field].as_str().unwrap_or_default().to_owned());
    assert_eq!(told, ["resolved", "applied", OTHER_REVIEWER, "Kard says it has it"]);
    assert_eq!(state(stage, DOUBTED), "acknowledged");
    assert_eq!(stage.told(&["in-doubt", "list"]), json!([]));
}

/// `sign-offs` of the run: its state, and both names.
fn signed(stage: &Stage) -> [Value; 3] {
    let listed = stage.told(&["sign-offs", "rewards-daily"]);
    ["state", "prepared_by", "signed_off_by"].map(|field| listed[0][field].clone())
}

async fn signing(stage: &Stage, browser: &Browser) {
    // Rosa has made this report: she does not review what she has made.
    stage.signs_in(browser, "paul").await;
    browser.open(&stage.at(SIGN_OFF)).await;
    browser.fill("#statement-preparer", "Looked at every line of it.").await;
    browser.press("Sign as preparer").await;
    browser.has("The report is prepared.").await;
    browser.has("waits for its review").await;
    assert_eq!(signed(stage), [json!("prepared"), json!("paul"), json!(null)]);
    assert_eq!(browser.count("#statement-reviewer").await, 0, "a preparer does not review");

    stage.signs_in(browser, OTHER_REVIEWER).await;
    browser.open(&stage.at(SIGN_OFF)).await;
    browser.has("Looked at every line of it.").await;
    browser.press("Sign off as reviewer").await;
    browser.has("The report is signed off.").await;
    assert_eq!(signed(stage), [json!("signed_off"), json!("paul"), json!(OTHER_REVIEWER)]);
    assert_eq!(browser.count("form[action$='/withdraw']").await, 0, "that is an admin's");
    browser.open(&stage.at(&format!("/runs/{RUN}"))).await;
    browser.has("This report is signed off.").await;
    browser.shots("run-signed-off").await;

    stage.signs_in(browser, "ada").await;
    browser.open(&stage.at(SIGN_OFF)).await;
    browser.fill("#withdraw-reason", "a late file has come").await;
    browser.press("Withdraw").await;
    browser.has("The signatures are withdrawn.").await;
    let listed = stage.told(&["sign-offs", "rewards-daily"]);
    let told = ["state", "withdrawn_by", "reason"].map(|field| listed[0][field].as_str().unwrap_or_default());
    assert_eq!(told, ["withdrawn", "ada", "a late file has come"]);
    browser.is_quiet().await;
}
