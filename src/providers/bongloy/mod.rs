//! Bongloy card management: accounts, balances and their transactions, cards and cardholders, as JSON:API. Section names
//! in comments are those of its published document.

mod client;
mod config;
pub mod reply;
pub mod request;

pub use client::Client;
pub use config::{BongloyConfig, BongloySpec};

/// The key that the sandbox takes; it protects nothing.
pub const SANDBOX_API_KEY: &str = "sandbox-bongloy-key";
/// The first part of the sandbox's paths.
pub const SANDBOX_PATH: &str = "bongloy";

pub const ACCOUNTS: &str = "accounts";
pub const CARDS: &str = "cards";
pub const CARDHOLDERS: &str = "cardholders";
/// What every account has available and pending, a row for each entry.
pub const BALANCES: &str = "balances";
/// The balance transactions of every account.
pub const BALANCE_TRANSACTIONS: &str = "balance_transactions";

/// Name and document of each preset for what it gives.
pub const PRESETS: &[(&str, &str)] = &[
    ("bongloy-balances", include_str!("presets/bongloy-balances.yaml")),
    ("bongloy-transaction-sums", include_str!("presets/bongloy-transaction-sums.yaml")),
    ("bongloy-transactions", include_str!("presets/bongloy-transactions.yaml")),
];
