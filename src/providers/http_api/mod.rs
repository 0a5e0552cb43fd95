//! Any JSON API, by configuration: how it lets us in, which path answers a dataset, where its rows stand, and how its
//! pages follow each other.

mod client;
mod config;
mod login;
pub mod reply;
pub mod request;
mod spec;

pub use client::Client;
pub use config::{Auth, HttpApiConfig, HttpDataset, Paging};
pub use spec::HttpApiSpec;

/// Name and document of each preset for what it gives.
pub const PRESETS: &[(&str, &str)] = &[];
