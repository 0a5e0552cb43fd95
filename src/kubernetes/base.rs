//! The base as a whole: every file of it, and the one that names them.

use super::node::{Node, file, map};
use super::storage::{Places, claim};
use super::{
    Context, File, MOST_CONFIG_BYTES, Mode, RenderError, cronjob, made_from, network, review, secrets, services,
    storage,
};

/// The file that names the others.
pub(super) const KUSTOMIZATION: &str = "kustomization.yaml";
/// Copies of the project's files: Kustomize takes none from outside of its folder.
pub(super) const COPIES: &str = "project/";

/// Every file of the base, in the order of their paths.
///
/// # Errors
/// When the project cannot be put into pods.
pub fn render(context: &Context<'_>) -> Result<Vec<File>, RenderError> {
    let places = Places::of(context.project, context.jobs)?;
    let receives = !secrets::of_receiver(context.project).is_empty();
    let mut manifests = vec![
        ("serviceaccount.yaml".to_owned(), services::account()),
        ("networkpolicy.yaml".to_owned(), network::policies(context, receives)),
    ];
    let claims = places.claims(receives);
    if !claims.is_empty() {
        manifests.push(("storage.yaml".to_owned(), storage_file(&claims)));
    }
    if receives {
        manifests.push(("receiver.yaml".to_owned(), services::receiver(context, &places)));
    }
    if context.project.review.is_some() {
        manifests.push(("review.yaml".to_owned(), review::manifest(context, &places)));
    }
    let scheduled: Vec<_> = context.jobs.iter().filter_map(|job| Some((job, job.schedule.as_ref()?))).collect();
    if scheduled.is_empty() {
        return Err(RenderError::NothingScheduled);
    }
    match context.options.mode {
        Mode::Serve => manifests.push((services::SERVE_FILE.to_owned(), services::serve(context, &places))),
        Mode::CronJobs => {
            for (job, schedule) in scheduled {
                manifests.push((cronjob::file_name(job), cronjob::manifest(context, (job, schedule), &places)?));
            }
        }
    }
    manifests.sort();
    let names: Vec<&str> = manifests.iter().map(|(name, _)| name.as_str()).collect();
    let kustomization = kustomization(context, &names)?;
    let mut files: Vec<File> = manifests.into_iter().map(|(path, text)| File { path, text }).collect();
    files.push(File { path: KUSTOMIZATION.to_owned(), text: kustomization });
    files.extend(context.files.iter().map(|file| File { path: format!("{COPIES}{}", file.path), ..file.clone() }));
    files.sort();
    Ok(files)
}

fn storage_file(claims: &[&'static str]) -> String {
    let mut reasons = vec![
        "What outlives the pods.".to_owned(),
        made_from("tieout.yaml"),
        "A volume of one node (ReadWriteOnce): pods that share it are put there. `storageClassName` and sizes are the \
         overlay's; take a class that keeps the volume when the claim is deleted."
            .to_owned(),
    ];
    if claims.contains(&storage::STATE_CLAIM) {
        reasons.push(
            "The journal is a file of SQLite, kept from two writers by locks of the node's kernel: it must lie on a \
             disk, never on a network's file system, and pods that write it are kept on one node by their affinity."
                .to_owned(),
        );
    }
    let claims: Vec<Node> = claims.iter().map(|name| claim(name)).collect();
    file(&reasons, &claims)
}

fn kustomization(context: &Context<'_>, manifests: &[&str]) -> Result<String, RenderError> {
    let mut document = map! { "apiVersion" => "kustomize.config.k8s.io/v1beta1", "kind" => "Kustomization" };
    if let Some(namespace) = &context.options.namespace {
        document = document.and("namespace", namespace.as_str());
    }
    let mut maps = vec![config_map(context, "tieout-project", crate::project::FILE)?];
    for folder in context.config_folders() {
        maps.push(config_map(context, &format!("tieout-{folder}"), &format!("{folder}/"))?);
    }
    let document = document.and("resources", manifests.to_vec()).and("configMapGenerator", maps);
    Ok(file(&reasons(context), &[document]))
}

/// The files below a prefix as one ConfigMap. A hash of them ends its name: pods that start see what was applied with
/// them, and a Deployment starts anew when they change.
fn config_map(context: &Context<'_>, name: &str, prefix: &str) -> Result<Node, RenderError> {
    let files: Vec<&File> = context.files.iter().filter(|file| file.path.starts_with(prefix)).collect();
    let bytes = files.iter().map(|file| file.text.len()).sum();
    if bytes > MOST_CONFIG_BYTES {
        return Err(RenderError::TooLarge { folder: prefix.to_owned(), bytes });
    }
    let paths: Vec<String> = files.iter().map(|file| format!("{COPIES}{}", file.path)).collect();
    Ok(map! { "name" => name, "files" => paths })
}

fn reasons(context: &Context<'_>) -> Vec<String> {
    let mut needed = secrets::of_runs(context.project);
    needed.extend(secrets::of_review(context.project));
    let mut keys: Vec<&str> = needed.iter().map(secrets::Reference::key).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut told = vec![
        "A Kustomize base of this project; deploy/kubernetes/overlays/example shows how to put it to use.".to_owned(),
        format!(
            "{} `tieout k8s render --check` says whether they still agree. project/ holds copies of the project's \
             files: Kustomize takes none from outside of its folder.",
            made_from("tieout.yaml and jobs/")
        ),
    ];
    if !keys.is_empty() {
        let keys = keys.join(", ");
        told.push(format!(
            "Secrets are named here and never held: make the Secret `{}` with the keys {keys}, by hand or by what \
             brings secrets into your cluster.",
            secrets::SECRET
        ));
    }
    told.push(
        "All pods fit the Pod Security Standard `restricted`: label the namespace with \
         pod-security.kubernetes.io/enforce: restricted."
            .to_owned(),
    );
    told
}
