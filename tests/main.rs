//! Every test of the project, in one binary: polars is linked once.

#![expect(unreachable_pub, reason = "helpers of a test binary have nobody to be public to")]

mod money;
mod reading_formats;
mod reading_support;
