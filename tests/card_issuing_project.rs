//! Corporate card issuing in the project file: what it means, and what is told when it is wrong.

use tieout::project::Project;
use tieout::providers::card_issuing::Unit;
use tieout::providers::{Provider as _, ProviderConfig};

use crate::project_files::Workspace;

const PROJECT: &str = "\
providers:
  issuing:
    type: card_issuing
    base_url: https://issuing.example/
    api_key: {env: API_KEY}
    encryption_key: {file: key}
    paths: {card_order: /orders/card, topup_order: /orders/topup}
    # more
";

fn told(project: &str) -> Vec<String> {
    match Project::load(Workspace::new(project).root()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(tieout::config::Problem::headline).collect(),
    }
}

#[test]
fn what_the_document_publishes_need_not_be_written() {
    let project = Workspace::new(PROJECT).project();
    let Some(ProviderConfig::CardIssuing(issuing)) = project.providers.get("issuing") else { panic!() };
    assert_eq!(issuing.base_url, "https://issuing.example");
    assert_eq!(
        (issuing.paths.card_create.as_str(), issuing.paths.card_topup.as_str()),
        ("/cards/create", "/cards/topup")
    );
    assert_eq!((issuing.clock_tolerance.as_secs(), issuing.concurrency, issuing.fields.amounts), (30, 4, Unit::Major));
    let names: Vec<String> = issuing.datasets().into_iter().map(|dataset| dataset.name).collect();
    assert_eq!(names, ["card_orders", "topup_orders"]);
    let secrets: Vec<&str> = issuing.secrets().into_iter().map(|(key, _)| key).collect();
    assert_eq!(secrets, ["api_key", "encryption_key"]);
    let project = Workspace::new(PROJECT).project().with_sandbox("http://127.0.0.1:9");
    assert_eq!(project.providers["issuing"].any().addresses(), ["http://127.0.0.1:9/card_issuing"]);
}

#[test]
fn each_mistake_is_told_with_its_place() {
    let path = "no path; expected one below /api/v1, such as /orders/card";
    let cases = [
        (
            "https://issuing.example/",
            "https://issuing.example/api/v1",
            "tieout.yaml:4:15: `base_url` ends with /api/v1, which is put there by itself; leave it out".to_owned(),
        ),
        ("card_order: /orders/card", "card_order: orders/card", format!("tieout.yaml:7:25: `card_order` is {path}")),
        ("card_order: /orders/card", "card_order: /a/../b", format!("tieout.yaml:7:25: `card_order` is {path}")),
        (
            "# more",
            "clock_tolerance: 1s",
            "tieout.yaml:8:22: `clock_tolerance` is 1s; expected at least 5s".to_owned(),
        ),
        (
            "# more",
            "fields: {user: card_id}",
            "tieout.yaml:8:5: two fields of a top-up are called `card_id`".to_owned(),
        ),
        (
            "# more",
            "fields: {order: request_timestamp}",
            "tieout.yaml:8:21: `request_timestamp` is no name of a field of its own; `request_timestamp` stands there by itself"
                .to_owned(),
        ),
        (
            "# more",
            "fields: {create: {external_user_id: me}}",
            "tieout.yaml:8:14: `external_user_id` is the user of each order".to_owned(),
        ),
        ("{env: API_KEY}", "secret-itself", "written out; a secret never stands in this file".to_owned()),
        (", topup_order: /orders/topup", "", "topup_order".to_owned()),
        ("# more", "concurrency: 65", "`providers.issuing.concurrency` is 65; expected at most 64".to_owned()),
        ("# more", "nonce: appended", "`appended`".to_owned()),
    ];
    for (right, wrong, message) in cases {
        let text = PROJECT.replacen(right, wrong, 1);
        let found = told(&text);
        assert!(found.len() == 1 && found[0].contains(&message), "{wrong}: {found:?}\n{message}");
        assert!(!found[0].contains("secret-itself"), "{found:?}");
    }
}
