//! Every test of the project, in one binary: polars is linked once.

#![expect(unreachable_pub, reason = "helpers of a test binary have nobody to be public to")]
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

mod bytes_to_breaks;
mod classification;
mod cli_doctor;
mod cli_listings;
mod cli_usage;
mod comparison_edges;
mod growth;
mod http_retry;
mod job_files;
mod job_mistakes;
mod journal_files;
mod journal_leases;
mod journal_runs;
mod kard_client;
mod kard_faults;
mod kard_pull;
mod match_mistakes;
mod money;
mod normalize_values;
mod output_formats;
mod periods;
mod presets;
mod project_files;
mod properties;
mod reading_bad_input;
mod reading_formats;
mod reading_local_files;
mod reading_support;
mod reading_webhooks;
mod report_csv;
mod report_files;
mod report_html;
mod report_json;
mod report_parquet;
mod report_terminal;
mod report_xlsx;
mod run_attempts;
mod run_bad_input;
mod run_crashes;
mod run_faults;
mod run_full_disk;
mod run_samples;
mod samples_compared;
mod samples_generated;
mod sandbox_contract;
mod sandbox_faults;
mod schedules;
mod schemas;
mod stopping;
mod support;
mod support_facts;
mod tidy;
mod validate_mistakes;
