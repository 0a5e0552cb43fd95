//! Core API: customers, cards, balances and movements. Section names in comments are those of its published document.

mod client;
mod config;
pub mod reply;
pub mod request;

pub use client::Client;
pub use config::{CoreApiConfig, CoreApiSpec};

/// Who the sandbox lets in; it protects nothing.
pub const SANDBOX_EMAIL: &str = "sandbox-operations@core-api.example";
pub const SANDBOX_PASSWORD: &str = "sandbox-password";
/// The first part of the sandbox's paths.
pub const SANDBOX_PATH: &str = "core_api";

/// Every movement of the cards that are asked about.
pub const MOVEMENTS: &str = "movements";
/// The movements of these cards before the period's end: what a balance at that time is the sum of.
pub const MOVEMENTS_TO_DATE: &str = "movements_to_date";
/// Every customer of the account.
pub const CUSTOMERS: &str = "customers";

/// Name and document of each preset for what it gives.
pub const PRESETS: &[(&str, &str)] = &[
    ("core-balances", include_str!("presets/core-balances.yaml")),
    ("core-movements", include_str!("presets/core-movements.yaml")),
];
