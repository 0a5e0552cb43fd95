//! Every test of the project, in one binary: polars is linked once.

#![expect(unreachable_pub, reason = "helpers of a test binary have nobody to be public to")]

mod money;
mod normalize_values;
mod reading_bad_input;
mod reading_formats;
mod reading_local_files;
mod reading_support;
mod reading_webhooks;
