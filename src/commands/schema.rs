//! `tieout schema`: the JSON Schema of both files, for editors.

/// The schema of a job file.
pub fn job() -> serde_json::Value {
    crate::job::spec::schema()
}

/// The schema of `tieout.yaml`.
pub fn project() -> serde_json::Value {
    crate::project::spec::schema()
}
