//! The pod that all of them are: nobody's root, nothing writable but what is named, no token of the cluster.

use super::node::{Node, map};
use super::secrets::{self, Reference};
use super::storage::{HOME, Place};
use super::{Context, NAME, labels};

/// The user of the image (distroless `nonroot`).
const USER: u64 = 65_532;
/// Pods that share a volume of one node find each other by it.
const SHARED_LABEL: &str = "tieout-volumes";

/// What tells one kind of pod from another.
#[derive(Debug)]
pub(super) struct Kind<'k> {
    /// `run`, `receiver`, `serve`.
    pub component: &'static str,
    /// The job, where it is one of a job.
    pub instance: Option<&'k str>,
    pub args: Vec<Node>,
    /// What stands in the environment beside secrets.
    pub environment: Vec<Node>,
    pub secrets: &'k [Reference],
    pub places: &'k [Place],
    /// What is asked of the node and allowed at most.
    pub resources: Node,
    /// What the container has beside: ports and probes.
    pub container: Vec<(&'static str, Node)>,
    pub grace_seconds: u64,
    /// Never, for the pod of a Job.
    pub restart: Option<&'static str>,
}

/// A variable with a text.
pub(super) fn variable(name: &str, value: &str) -> Node {
    map! { "name" => name, "value" => value }
}

/// `metadata` and `spec` of a pod.
pub(super) fn template(context: &Context<'_>, kind: Kind<'_>) -> Node {
    let Kind { component, instance, secrets, places, grace_seconds, restart, .. } = kind;
    let mut spec = Vec::new();
    if let Some(restart) = restart {
        spec.push(("restartPolicy".to_owned(), Node::from(restart)));
    }
    let pod_security = map! {
        "runAsNonRoot" => true,
        "runAsUser" => USER,
        "runAsGroup" => USER,
        "fsGroup" => USER,
        "fsGroupChangePolicy" => "OnRootMismatch",
        "seccompProfile" => map! { "type" => "RuntimeDefault" },
    };
    spec.extend([
        ("serviceAccountName".to_owned(), NAME.into()),
        ("automountServiceAccountToken".to_owned(), false.into()),
        ("enableServiceLinks".to_owned(), false.into()),
        ("terminationGracePeriodSeconds".to_owned(), grace_seconds.into()),
        ("securityContext".to_owned(), pod_security),
    ]);
    if !places.is_empty() {
        spec.push(("affinity".to_owned(), one_node()));
    }
    let mut volumes = volumes(context, places);
    let mut mounts = mounts(context, places);
    if let Some((volume, files)) = secrets::files(secrets) {
        volumes.push(volume);
        mounts.extend(files);
    }
    spec.push(("containers".to_owned(), vec![container(context, kind, mounts)].into()));
    spec.push(("volumes".to_owned(), volumes.into()));
    let mut labels = labels(Some(component), instance);
    if !places.is_empty() {
        labels = labels.and(SHARED_LABEL, "one-node");
    }
    map! { "metadata" => map! { "labels" => labels }, "spec" => Node::Map(spec) }
}

fn container(context: &Context<'_>, kind: Kind<'_>, mounts: Vec<Node>) -> Node {
    let mut environment = kind.environment;
    environment.extend(secrets::environment(kind.secrets));
    let security = map! {
        "allowPrivilegeEscalation" => false,
        "readOnlyRootFilesystem" => true,
        "capabilities" => map! { "drop" => ["ALL"] },
    };
    let mut container = map! {
        "name" => kind.component,
        "image" => context.options.image.as_str(),
        "args" => kind.args,
        "env" => environment,
        "resources" => kind.resources,
        "securityContext" => security,
    };
    for (key, value) in kind.container {
        container = container.and(key, value);
    }
    container.and("volumeMounts", mounts)
}

/// A volume that one node has (ReadWriteOnce), and the file of a journal that this node's kernel locks: all pods that use
/// them have to be there.
fn one_node() -> Node {
    let term = map! {
        "labelSelector" => map! { "matchLabels" => map! { SHARED_LABEL => "one-node" } },
        "topologyKey" => "kubernetes.io/hostname",
    };
    map! { "podAffinity" => map! { "requiredDuringSchedulingIgnoredDuringExecution" => [term] } }
}

fn volumes(context: &Context<'_>, places: &[Place]) -> Vec<Node> {
    // The project's folder itself is empty: what is in it is mounted below.
    let mut volumes = vec![
        map! { "name" => "project", "emptyDir" => map! {} },
        map! { "name" => "tmp", "emptyDir" => map! {} },
        map! { "name" => "project-file", "configMap" => map! { "name" => "tieout-project" } },
    ];
    for folder in context.config_folders() {
        volumes.push(map! { "name" => folder, "configMap" => map! { "name" => format!("tieout-{folder}") } });
    }
    let mut claims: Vec<&str> = places.iter().map(|place| place.claim).collect();
    claims.dedup();
    for claim in claims {
        let volume = map! { "claimName" => claim };
        volumes.push(map! { "name" => short(claim), "persistentVolumeClaim" => volume });
    }
    volumes
}

fn mounts(context: &Context<'_>, places: &[Place]) -> Vec<Node> {
    let file = crate::project::FILE;
    let mut mounts = vec![
        map! { "name" => "project", "mountPath" => HOME },
        map! { "name" => "tmp", "mountPath" => "/tmp" },
        map! { "name" => "project-file", "mountPath" => format!("{HOME}/{file}"), "subPath" => file, "readOnly" => true },
    ];
    for folder in context.config_folders() {
        mounts.push(map! { "name" => folder, "mountPath" => format!("{HOME}/{folder}"), "readOnly" => true });
    }
    for place in places {
        mounts.push(
            map! { "name" => short(place.claim), "mountPath" => place.path.as_str(), "subPath" => place.sub_path },
        );
    }
    mounts
}

fn short(claim: &str) -> &str {
    claim.strip_prefix("tieout-").unwrap_or(claim)
}

/// What is asked for and allowed: no limit of the processor's time, which only makes a run slower than it need be.
pub(super) fn resources(cpu: &str, memory: &str, most_memory: &str) -> Node {
    map! {
        "requests" => map! { "cpu" => cpu, "memory" => memory },
        "limits" => map! { "memory" => most_memory },
    }
}
