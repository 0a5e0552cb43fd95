//! What Bongloy is asked: addresses and queries, pure.

use reqwest::Url;

use crate::providers::ProviderError;
use crate::providers::error::below;

/// The media type of JSON:API.
pub const MEDIA_TYPE: &str = "application/vnd.api+json";
/// Required where balance transactions are listed.
pub const FILTER_ACCOUNT: &str = "filter[account]";

/// A list, and the parameters that every page of it is asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    pub url: Url,
    pub query: Vec<(String, String)>,
}

impl List {
    /// `GET /v1/accounts`, `/v1/cards`, `/v1/cardholders`: "List all …".
    ///
    /// # Errors
    /// When the base is no address. So in all of these.
    pub fn of(base: &str, name: &str) -> Result<Self, ProviderError> {
        Ok(Self { url: v1(base, &[name])?, query: Vec::new() })
    }

    /// `GET /v1/balance_transactions`, "List all transactions": `filter[account]` is required.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn of_account(base: &str, account: &str) -> Result<Self, ProviderError> {
        let query = vec![(FILTER_ACCOUNT.to_owned(), account.to_owned())];
        Ok(Self { url: v1(base, &["balance_transactions"])?, query })
    }
}

/// `GET /v1/accounts/:account_id/balance`, "Retrieve an account balance".
///
/// # Errors
/// As [`List::of`], or when the id cannot stand in a path.
pub fn balance_url(base: &str, account: &str) -> Result<Url, ProviderError> {
    v1(base, &["accounts", account, "balance"])
}

fn v1(base: &str, path: &[&str]) -> Result<Url, ProviderError> {
    below("base_url", base, &[&["v1"], path].concat())
}
