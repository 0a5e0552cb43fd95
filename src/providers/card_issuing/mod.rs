//! Corporate card issuing: users, cardholders, cards and top-ups behind an encrypted envelope. Section names in comments
//! are those of its published document, which names workflows but publishes few paths: the others are configuration.

mod client;
pub mod clock;
mod config;
pub mod envelope;
pub mod judge;
pub mod key;
mod orders;
pub mod reply;
pub mod request;
pub mod slugs;
pub mod timestamps;

pub use client::{Client, DATASETS, OrderKind};
pub use config::{CardIssuingConfig, CardIssuingSpec, Fields, NoncePlace, Paths, Unit};

/// Name and document of each preset for what it gives.
pub const PRESETS: &[(&str, &str)] = &[
    ("card-issuing-cards", include_str!("presets/card-issuing-cards.yaml")),
    ("card-issuing-topups", include_str!("presets/card-issuing-topups.yaml")),
];
