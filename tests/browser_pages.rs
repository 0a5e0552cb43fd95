//! The pages in a real browser, to look at: each comes without a word in the console, fits desktops and phones, is found
//! accessible in light and dark, and is walked through by keyboard alone.

use crate::support::browser::{Browser, ENTER, TAB};
use crate::support::house::PASSWORD;
use crate::support::stage::{DOUBTED, MANY, MANY_BREAKS, RUN, Stage};

/// Somebody reads one page on every screen: it has its title, and says this.
async fn looks(stage: &Stage, browser: &Browser, name: &str, path: &str, says: &str) {
    browser.open(&stage.at(path)).await;
    browser.has(says).await;
    seen(browser, name).await;
    browser.is_quiet().await;
}

/// The page that is open.
async fn seen(browser: &Browser, name: &str) {
    assert_eq!(browser.count("h1").await, 1, "{name}");
    let unlabelled = "return [...document.querySelectorAll('table')].filter(table => !table.caption).length";
    assert_eq!(browser.script(unlabelled).await, 0, "{name}: a table without a caption");
    browser.is_accessible().await;
    browser.shots(name).await;
}

#[test]
#[ignore = "needs Chromium, chromedriver and axe-core: .ci/browser"]
fn every_page_is_quiet_fits_and_is_accessible() {
    let stage = Stage::new();
    stage.runtime.block_on(async {
        let browser = Browser::start().await;
        looks(&stage, &browser, "sign-in", "/sign-in", "Password").await;
        stage.signs_in(&browser, "ada").await;
        let mismatch = stage.a_break("amount_mismatch", "txn-0319-0015");
        let suggestion = stage.a_break("suggested_match", "txn-0319-0050 = txn-0319-0050-a");
        let (waiting, doubted) = (stage.effect("txn-0319-0019"), stage.effect(DOUBTED));
        let of = |effect: &serde_json::Value| format!("/effects/{}", effect["effect"].as_str().unwrap());
        let (waiting, doubted) = (of(&waiting), of(&doubted));
        let pages: [(&str, &str, &str); 14] = [
            ("overview", "/", "effects to approve"),
            ("overview-of-the-month", "/?month=2025-03", "rewards-daily"),
            ("run", &format!("/runs/{RUN}"), "Most at risk"),
            ("run-of-many", &format!("/runs/{MANY}"), "Most at risk"),
            ("breaks", &format!("/runs/{RUN}/breaks"), "22 breaks"),
            ("breaks-second-page", &format!("/runs/{MANY}/breaks?sort=at_risk&dir=desc&page=2"), "Page 2 of 3"),
            ("break", &format!("/breaks/{mismatch}"), "What can be done"),
            ("suggestion", &format!("/breaks/{suggestion}"), "Accept the suggestion"),
            ("effects-of-run", &format!("/runs/{RUN}/effects"), "4 effects wait for approval."),
            ("effects", "/effects", "5 effects with which somebody or something still has to do."),
            ("effect", &waiting, "The exact call"),
            ("effect-in-doubt", &doubted, "End the doubt"),
            ("in-doubt", "/in-doubt", "Ask Kard: "),
            ("journal", "/journal", "The journal ends with entry"),
        ];
        for (name, path, says) in pages {
            looks(&stage, &browser, name, path, says).await;
        }
        looks(&stage, &browser, "transaction", &format!("/transactions?id={DOUBTED}"), "Breaks, as runs found them")
            .await;
        looks(&stage, &browser, "sign-off", &format!("/runs/{RUN}/sign-off"), "Sign as preparer").await;
        for (name, path) in [("no-page", "/nothing/here"), ("no-run", "/runs/rewards-daily/2025-03-19/99")] {
            browser.open(&stage.at(path)).await;
            browser.has("There is no ").await;
            browser.came_with(404).await;
            seen(&browser, name).await;
        }
        // The exact calls stand in what is opened by hand.
        browser.open(&stage.at(&format!("/runs/{RUN}/effects"))).await;
        browser.click("details summary").await;
        browser.has("Authorization: Bearer (a token of this provider, never shown)").await;
        seen(&browser, "effects-of-run-call").await;
        browser.is_quiet().await;
    });
}

/// Goes on by the Tab key until the focus is on such a thing; the names of all that it was on.
async fn tabs_to(browser: &Browser, is_there: &str) -> Vec<String> {
    let mut way = Vec::new();
    for _ in 0..60 {
        browser.keys(TAB).await;
        way.push(browser.focused().await);
        if browser.script(&format!("return document.activeElement.matches({is_there:?})")).await == true {
            return way;
        }
    }
    panic!("{is_there} is never reached: {way:?}");
}

#[test]
#[ignore = "needs Chromium, chromedriver and axe-core: .ci/browser"]
fn a_list_is_walked_through_by_keyboard_and_works_without_its_script() {
    let stage = Stage::new();
    stage.runtime.block_on(async {
        let browser = Browser::start().await;
        without_script(&stage, &browser).await;
        by_keyboard(&stage, &browser).await;
        with_script(&stage, &browser).await;
        browser.is_quiet().await;
    });
}

async fn by_keyboard(stage: &Stage, browser: &Browser) {
    let list = stage.at(&format!("/runs/{MANY}/breaks"));
    browser.open(&list).await;
    browser.keys(TAB).await;
    assert_eq!(browser.focused().await, "a To the content");
    let seen = "const box = document.activeElement.getBoundingClientRect(); return box.top >= 0 && box.height > 10";
    assert_eq!(browser.script(seen).await, true, "the way past the parts is seen");
    browser.keys(ENTER).await;
    assert_eq!(browser.focused().await, "main main");
    // On through the filters, into the table, in the order in which they stand.
    let way = tabs_to(browser, "table.list tbody a").await;
    let place = |what: &str| way.iter().position(|at| at == what).unwrap_or_else(|| panic!("no {what}: {way:?}"));
    let order = ["input q", "select kind", "button Filter", "a Next", "a Key", "a At risk", "a t-0089"].map(place);
    assert!(order.is_sorted(), "{way:?}");

    // Row by row, and to the search.
    browser.open(&list).await;
    for (key, at) in [("j", "a t-0089"), ("j", "a t-0179"), ("j", "a t-0088"), ("k", "a t-0179")] {
        browser.keys(key).await;
        assert_eq!(browser.focused().await, at);
    }
    browser.keys("/").await;
    assert_eq!(browser.focused().await, "input q");
    browser.keys("jk/").await;
    assert_eq!(browser.focused().await, "input q", "who types goes nowhere");
    assert_eq!(browser.script("return document.activeElement.value").await, "jk/");
    browser.open(&list).await;
    browser.keys("j").await;
    browser.keys(ENTER).await;
    browser.has("Where it was found").await;
}

async fn with_script(stage: &Stage, browser: &Browser) {
    // A filter that is chosen is applied.
    browser.open(&stage.at(&format!("/runs/{RUN}/breaks"))).await;
    browser.click("select[name=kind] option[value=missing_in_file]").await;
    browser.has("1 break of 22").await;
    assert!(browser.address().await.contains("kind=missing_in_file"), "{}", browser.address().await);
    browser.follow("Show all").await;
    browser.has("22 breaks.").await;

    // All at once, and none again.
    browser.open(&stage.at(&format!("/runs/{RUN}/effects"))).await;
    let chosen = "input[name=effect]:checked";
    browser.click("input[data-all]").await;
    assert_eq!(browser.count(chosen).await, 4);
    browser.click("input[data-all]").await;
    assert_eq!(browser.count(chosen).await, 0);
}

/// What can be done with a script can be done without.
async fn without_script(stage: &Stage, browser: &Browser) {
    browser.open(&stage.at("/sign-in")).await;
    browser.scripts(false).await;
    browser.open(&stage.at(&format!("/sign-in?next=/runs/{MANY}/breaks"))).await;
    browser.fill("#name", "rosa").await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.has(&format!("{MANY_BREAKS} breaks")).await;
    browser.fill("input[name=q]", "t-01").await;
    browser.press("Filter").await;
    browser.has("100 breaks of 230.").await;
    browser.follow("Show all").await;
    browser.has("Page 1 of 3").await;
    let header = "document.querySelector('thead th:nth-child(3) a')";
    let first = "document.querySelector('table.list tbody td:nth-child(3)').innerText";
    browser.click("thead th:nth-child(3) a").await;
    browser.has("by at risk, highest first").await;
    assert_eq!(browser.script(&format!("return {first}")).await, "USD 90.00");
    assert_eq!(browser.script(&format!("return {header}.parentElement.ariaSort")).await, "descending");
    browser.follow("Next").await;
    browser.has("Page 2 of 3").await;
    browser.follow("Last").await;
    browser.has("Page 3 of 3").await;
    assert_eq!(browser.count("table.list tbody tr").await, MANY_BREAKS - 200);
    browser.open(&stage.at(&format!("/runs/{RUN}/effects"))).await;
    browser.has("4 effects wait for approval.").await;
    let all = "return document.querySelector('input[data-all]').checkVisibility()";
    assert_eq!(browser.script(all).await, false, "what needs the script is not shown without");
    browser.scripts(true).await;
}
