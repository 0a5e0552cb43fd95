//! The pages for review, in a Deployment of their own: whoever is let in there is far from what speaks to providers.

use super::Context;
use super::made_from;
use super::node::{Node, file, map};
use super::pod::{Kind, resources, variable};
use super::secrets;
use super::services::{deployment, service};
use super::storage::Places;

/// The pages and what belongs to them.
pub(super) const REVIEW: &str = "tieout-review";
/// Where the pages are in their pod.
pub(super) const REVIEW_PORT: u64 = 8722;
/// A request takes no longer.
const GRACE_SECONDS: u64 = 15;

/// The Deployment of the pages, and its Service.
pub(super) fn manifest(context: &Context<'_>, places: &Places) -> String {
    let references = secrets::of_review(context.project);
    let args = ["--log-format", "json", "serve", "--review-only", "--review-bind", &format!("0.0.0.0:{REVIEW_PORT}")];
    let kind = Kind {
        component: "review",
        instance: None,
        args: args.map(Node::from).into(),
        environment: vec![variable("TIEOUT_BY", "kubernetes")],
        secrets: &references,
        places: &places.runs,
        resources: resources("100m", "256Mi", "2Gi"),
        container: vec![
            ("ports", [map! { "name" => "http", "containerPort" => REVIEW_PORT }].into()),
            // Pages are shown under their own name alone, which a probe does not know.
            ("startupProbe", probe().and("periodSeconds", 5).and("failureThreshold", 60)),
            ("livenessProbe", probe().and("periodSeconds", 20).and("failureThreshold", 3)),
            ("readinessProbe", probe().and("periodSeconds", 5).and("failureThreshold", 2)),
        ],
        grace_seconds: GRACE_SECONDS,
        restart: None,
    };
    let documents = [deployment(context, REVIEW, kind), service(REVIEW, "review")];
    let reasons = [
        "The pages for review.".to_owned(),
        made_from("the block `review:` of tieout.yaml"),
        "They speak plain HTTP: an Ingress or a Gateway that ends TLS stands before the Service, under the name of \
         `review: url:`. Without a way to sign in the pod does not start."
            .to_owned(),
    ];
    file(&reasons, &documents)
}

fn probe() -> Node {
    map! { "tcpSocket" => map! { "port" => "http" }, "timeoutSeconds" => 3 }
}
