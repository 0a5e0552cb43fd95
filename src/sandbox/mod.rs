//! (to come)

/// The credentials that the sandbox accepts: they protect nothing.
pub const CLIENT_ID: &str = "sandbox-client";
pub const CLIENT_SECRET: &str = "sandbox-secret";
pub const WEBHOOK_KEY: &str = "sandbox-webhook-key";
/// The organization whose paths the sandbox serves.
pub const ORGANIZATION: &str = "org-sandbox";
