//! Every test of the project, in one binary: polars is linked once.

#![expect(unreachable_pub, reason = "helpers of a test binary have nobody to be public to")]

mod classification;
mod job_files;
mod job_mistakes;
mod match_mistakes;
mod periods;
mod presets;
mod project_files;
mod properties;
mod samples_generated;
mod schedules;
mod schemas;
mod support;
mod tidy;
mod validate_mistakes;
