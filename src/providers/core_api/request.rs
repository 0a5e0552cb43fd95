//! What Core API is asked: addresses and bodies, pure.

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::providers::ProviderError;
use crate::providers::error::below;

const BASE: &str = "base_url";

/// `POST`; "Login".
///
/// # Errors
/// When the base is no address. So in all of these.
pub fn login_url(base: &str) -> Result<Url, ProviderError> {
    below(BASE, base, &["auth", "login"])
}

/// "Login": both are required.
pub fn login_body(email: &SecretString, password: &SecretString) -> String {
    json!({ "email": email.expose_secret(), "password": password.expose_secret() }).to_string()
}

/// `POST`, without a body; "Logout".
///
/// # Errors
/// As [`login_url`].
pub fn logout_url(base: &str) -> Result<Url, ProviderError> {
    below(BASE, base, &["auth", "logout"])
}

/// `GET`; "List Customers".
///
/// # Errors
/// As [`login_url`].
pub fn customers_url(base: &str) -> Result<Url, ProviderError> {
    below(BASE, base, &["customers"])
}

/// `GET`; "List Movements".
///
/// # Errors
/// As [`login_url`], or when the id cannot stand in a path.
pub fn movements_url(base: &str, card: &str) -> Result<Url, ProviderError> {
    below("the id of a card", base, &["cards", card, "movements"])
}
