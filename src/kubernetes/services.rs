//! What runs all the time: the receiver of notifications, and `tieout serve` in the place of CronJobs.

use super::node::{Node, file, map};
use super::pod::{Kind, resources, template, variable};
use super::secrets;
use super::storage::Places;
use super::timing::GRACE_SECONDS;
use super::{Context, NAME, labels, made_from};

/// The receiver and what belongs to it.
pub(super) const RECEIVER: &str = "tieout-receiver";
/// Where the receiver listens in its pod.
pub(super) const RECEIVER_PORT: u64 = 8787;
/// Where `tieout serve` tells how it is.
pub(super) const OPS_PORT: u64 = 9464;
/// The receiver gives what is under way 10 s.
const RECEIVER_GRACE_SECONDS: u64 = 30;

/// The receiver's Deployment, its Service, and what a drained node may do to it.
pub(super) fn receiver(context: &Context<'_>, places: &Places) -> String {
    let references = secrets::of_receiver(context.project);
    let kind = Kind {
        component: "receiver",
        instance: None,
        args: ["--log-format", "json", "listen", "--bind", &format!("0.0.0.0:{RECEIVER_PORT}")].map(Node::from).into(),
        environment: Vec::new(),
        secrets: &references,
        places: &places.receiver,
        resources: resources("100m", "128Mi", "512Mi"),
        container: vec![
            ("ports", [map! { "name" => "http", "containerPort" => RECEIVER_PORT }].into()),
            // The ids of the last days are read before it listens.
            ("startupProbe", probe("/healthz", "http").and("periodSeconds", 5).and("failureThreshold", 60)),
            ("livenessProbe", probe("/healthz", "http").and("periodSeconds", 20).and("failureThreshold", 3)),
            ("readinessProbe", probe("/readyz", "http").and("periodSeconds", 5).and("failureThreshold", 2)),
        ],
        grace_seconds: RECEIVER_GRACE_SECONDS,
        restart: None,
    };
    let documents = [deployment(context, RECEIVER, kind), service(RECEIVER, "receiver"), budget()];
    let reasons = [
        "The receiver of the provider's notifications.".to_owned(),
        made_from("tieout.yaml"),
        "One at a time: two would write each notification twice, and the folder's lock lets only one begin. The old \
         pod ends before the new one starts; what the provider sends meanwhile it sends again."
            .to_owned(),
        "It speaks plain HTTP: an Ingress or a Gateway that ends TLS stands before the Service. Only the keys of \
         signatures are in its reach, nothing that could speak to the provider."
            .to_owned(),
        "The PodDisruptionBudget lets a node be drained: of one pod, none could be kept.".to_owned(),
    ];
    file(&reasons, &documents)
}

/// The scheduler's Deployment.
pub(super) fn serve(context: &Context<'_>, places: &Places) -> String {
    let references = secrets::of_runs(context.project);
    let args = ["--log-format", "json", "--no-progress", "serve", "--ops-bind", &format!("0.0.0.0:{OPS_PORT}")];
    let kind = Kind {
        component: "serve",
        instance: None,
        args: args.map(Node::from).into(),
        environment: vec![variable("TIEOUT_BY", "kubernetes")],
        secrets: &references,
        places: &places.runs,
        resources: resources("500m", "512Mi", "4Gi"),
        container: vec![
            ("ports", [map! { "name" => "ops", "containerPort" => OPS_PORT }].into()),
            ("startupProbe", probe("/healthz", "ops").and("periodSeconds", 5).and("failureThreshold", 60)),
            ("livenessProbe", probe("/healthz", "ops").and("periodSeconds", 20).and("failureThreshold", 6)),
            ("readinessProbe", probe("/readyz", "ops").and("periodSeconds", 10).and("failureThreshold", 3)),
        ],
        grace_seconds: GRACE_SECONDS,
        restart: None,
    };
    let reasons = [
        "The scheduler: every job that has a schedule, in one process.".to_owned(),
        made_from("tieout.yaml and jobs/"),
        "It keeps nothing of its own: what a pod that ended has left half done, the next one goes on with. A second \
         one beside it would do no harm, and no good."
            .to_owned(),
        format!("Port {OPS_PORT}: /healthz, /readyz, and /metrics for Prometheus."),
    ];
    file(&reasons, &[deployment(context, "tieout-serve", kind)])
}

/// The name of the scheduler's file.
pub(super) const SERVE_FILE: &str = "serve.yaml";

pub(super) fn deployment(context: &Context<'_>, name: &str, kind: Kind<'_>) -> Node {
    let component = kind.component;
    map! {
        "apiVersion" => "apps/v1",
        "kind" => "Deployment",
        "metadata" => map! { "name" => name, "labels" => labels(Some(component), None) },
        "spec" => map! {
            "replicas" => 1,
            "revisionHistoryLimit" => 3,
            "strategy" => map! { "type" => "Recreate" },
            "selector" => map! { "matchLabels" => labels(Some(component), None) },
            "template" => template(context, kind),
        },
    }
}

fn probe(path: &str, port: &str) -> Node {
    map! { "httpGet" => map! { "path" => path, "port" => port }, "timeoutSeconds" => 3 }
}

/// Port 80 of the cluster leads to the pod's port `http`.
pub(super) fn service(name: &str, component: &str) -> Node {
    map! {
        "apiVersion" => "v1",
        "kind" => "Service",
        "metadata" => map! { "name" => name, "labels" => labels(Some(component), None) },
        "spec" => map! {
            "type" => "ClusterIP",
            "selector" => labels(Some(component), None),
            "ports" => [map! { "name" => "http", "port" => 80, "targetPort" => "http" }],
        },
    }
}

fn budget() -> Node {
    map! {
        "apiVersion" => "policy/v1",
        "kind" => "PodDisruptionBudget",
        "metadata" => map! { "name" => RECEIVER, "labels" => labels(Some("receiver"), None) },
        "spec" => map! { "maxUnavailable" => 1, "selector" => map! { "matchLabels" => labels(Some("receiver"), None) } },
    }
}

/// Who all pods are: somebody whom the cluster gives nothing.
pub(super) fn account() -> String {
    let document = map! {
        "apiVersion" => "v1",
        "kind" => "ServiceAccount",
        "metadata" => map! { "name" => NAME, "labels" => labels(None, None) },
        "automountServiceAccountToken" => false,
    };
    let reasons =
        ["Whom the pods run as. Nothing here speaks to the cluster: no role is bound to it, and no token is mounted."
            .to_owned()];
    file(&reasons, &[document])
}
