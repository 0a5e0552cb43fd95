//! Every test of the project, in one binary: polars is linked once.

#![expect(unreachable_pub, reason = "helpers of a test binary have nobody to be public to")]

mod report_csv;
mod report_files;
mod report_html;
mod report_json;
mod report_parquet;
mod report_terminal;
mod report_xlsx;
mod support_facts;
