//! Kard: card-linked rewards. API version 2024-10-01; section names in comments are those of its
//! published document.

mod changes;
mod client;
mod config;
mod error;
pub mod reply;
pub mod reply_effects;
pub mod reply_transactions;
pub mod request;
pub mod request_transactions;
mod storage;
pub mod subscriptions;
mod token;
mod words;

pub use changes::{Change, judge};
pub use client::{Client, Listing, Probe};
pub use config::{KardConfig, KardSpec};
pub use error::{Endpoint, KardError};
pub use reply::FileMetadata;
pub use request::{FilesQuery, FilesSort};
pub use words::{AuditCode, FileType};

/// Name and document of each preset for what it gives.
pub const PRESETS: &[(&str, &str)] = &[
    ("kard-monthly", include_str!("presets/kard-monthly.yaml")),
    ("kard-notifications", include_str!("presets/kard-notifications.yaml")),
    ("kard-rewards", include_str!("presets/kard-rewards.yaml")),
];
