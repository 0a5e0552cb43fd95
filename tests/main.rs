//! Every test lives in this one binary; a module for each behaviour.

mod job_files;
mod job_mistakes;
mod match_mistakes;
mod periods;
mod presets;
mod project_files;
mod schedules;
mod schemas;
mod validate_mistakes;
