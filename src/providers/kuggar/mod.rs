//! Kuggar: virtual cards of several issuers behind one API. Section numbers in comments are those of its published
//! developer guide.
//!
//! Its replies hold full card numbers and security codes. [`card`] is the one place that sees them; nothing that it
//! hands on holds more than the first six and the last four digits.

pub mod card;
mod client;
mod config;
mod login;
mod mask;
pub mod orders;
pub mod reply;
pub mod request;

pub use card::{Card, CardError};
pub use client::Client;
pub use config::{KuggarConfig, KuggarSpec};
pub(crate) use config::{SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET};

/// Name and document of each preset for what it gives.
pub const PRESETS: &[(&str, &str)] = &[("kuggar-cards", include_str!("presets/kuggar-cards.yaml"))];
