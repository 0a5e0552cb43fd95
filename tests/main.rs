//! Every test of the project, in one binary: polars is linked once.

mod classification;
mod properties;
mod support;
