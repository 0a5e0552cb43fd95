//! Whom the pods may speak to, and who to them.

use super::node::{Node, file, map};
use super::review::{REVIEW, REVIEW_PORT};
use super::services::{OPS_PORT, RECEIVER, RECEIVER_PORT};
use super::{Context, Mode, NAME, labels};
use crate::project::Way;

/// HTTPS, which providers and object storage speak.
const HTTPS: u16 = 443;
const POSTGRESQL: u16 = 5432;

/// The policies: nothing in but to the receiver and the pages (and to the ports that tell how `serve` is), and out only what is needed.
pub(super) fn policies(context: &Context<'_>, receives: bool) -> String {
    let dns = ["UDP", "TCP"].map(|protocol| port(protocol, 53));
    let ports: Vec<Node> = ports(context).into_iter().map(|number| port("TCP", number.into())).collect();
    let all = map! {
        "podSelector" => map! { "matchLabels" => labels(None, None) },
        "policyTypes" => ["Ingress", "Egress"],
        "egress" => [map! { "ports" => dns }, map! { "ports" => ports }],
    };
    let mut documents = vec![policy(NAME, all)];
    if receives {
        documents.push(policy(RECEIVER, ingress("receiver", map! { "ports" => [port("TCP", RECEIVER_PORT)] })));
    }
    if context.project.review.is_some() {
        documents.push(policy(REVIEW, ingress("review", map! { "ports" => [port("TCP", REVIEW_PORT)] })));
    }
    let pages = if context.project.review.is_some() { " and to the pages" } else { "" };
    let mut reasons = vec![format!(
        "Nothing comes in but to the receiver{pages}. Out go names (53), providers and object storage (443, and what \
         other ports tieout.yaml names), and PostgreSQL (5432)."
    )];
    if context.options.mode == Mode::Serve {
        let monitoring = map! { "matchLabels" => map! { "kubernetes.io/metadata.name" => "monitoring" } };
        let rule = map! {
            "from" => [map! { "namespaceSelector" => monitoring }],
            "ports" => [port("TCP", OPS_PORT)],
        };
        documents.push(policy("tieout-serve", ingress("serve", rule)));
        reasons.push("The namespace `monitoring` may ask the scheduler for its metrics.".to_owned());
    }
    reasons.push(
        "Addresses are not narrowed, since a NetworkPolicy knows no names: an overlay can put `to:` with the blocks of \
         your providers into it. Where your network plugin enforces no policies, this does nothing."
            .to_owned(),
    );
    file(&reasons, &documents)
}

fn policy(name: &str, spec: Node) -> Node {
    map! {
        "apiVersion" => "networking.k8s.io/v1",
        "kind" => "NetworkPolicy",
        "metadata" => map! { "name" => name, "labels" => labels(None, None) },
        "spec" => spec,
    }
}

fn ingress(component: &str, rule: Node) -> Node {
    map! {
        "podSelector" => map! { "matchLabels" => labels(Some(component), None) },
        "policyTypes" => ["Ingress"],
        "ingress" => [rule],
    }
}

fn port(protocol: &str, number: u64) -> Node {
    map! { "protocol" => protocol, "port" => number }
}

/// The ports of everything that is spoken to, in rising order.
fn ports(context: &Context<'_>) -> Vec<u16> {
    let mut ports = vec![HTTPS, POSTGRESQL];
    for provider in context.project.providers.values() {
        ports.extend(provider.any().addresses().into_iter().map(port_of));
    }
    for channel in context.project.notify.channels.values() {
        match &channel.way {
            Way::Slack { .. } => {}
            Way::Webhook { url, .. } => ports.push(port_of(url)),
            Way::Email(email) => ports.push(email.port),
        }
    }
    ports.extend(context.project.metrics.push.as_deref().map(port_of));
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// The port of an address as the project file has checked it: without user, query or fragment.
fn port_of(address: &str) -> u16 {
    let (scheme, rest) = address.split_once("://").unwrap_or(("https", address));
    let host = rest.split('/').next().unwrap_or_default();
    let named = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    named.unwrap_or(if scheme == "http" { 80 } else { HTTPS })
}
