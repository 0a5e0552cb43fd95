//! The systems of others. Each is one folder: its part of the project file (`config`), what is asked (`request`), what is
//! answered (`reply`), and the conversation (`client`). What the program wants of every one of them is [`Provider`];
//! [`kinds`] is the list of them all.

pub mod bongloy;
pub mod card_issuing;
pub mod cards;
pub mod core_api;
pub mod dataset;
pub mod error;
pub mod http;
pub mod http_api;
pub mod kard;
pub mod kinds;
pub mod kuggar;
pub mod masked;

use std::fmt::Debug;
use std::pin::Pin;

use chrono::TimeDelta;

pub use cards::{CardProvider, Method};
pub use dataset::{Ask, Asked, Dataset, Fetched, RowWriter};
pub use error::ProviderError;
pub use kinds::{ProviderConfig, ProviderSpec};

use crate::config::secret::Secret;
use crate::exit::Failure;

/// Work with a provider that may fail, told with how the process ends.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// What the program wants of a provider, whichever it is. The project file's part of it, once checked, is one.
pub trait Provider: Debug + Send + Sync {
    /// Every secret by the key that it stands under, nested keys joined by `.`.
    fn secrets(&self) -> Vec<(&'static str, &Secret)>;

    /// Every address that is called, the one that effects go to first.
    fn addresses(&self) -> Vec<&str>;

    /// From now on the provider is the one that the sandbox at this address (`http://127.0.0.1:PORT`) plays.
    fn move_to_sandbox(&mut self, address: &str);

    /// What inputs of jobs may ask it for; empty where it publishes files instead.
    fn datasets(&self) -> Vec<Dataset> {
        Vec::new()
    }

    /// Asks for the least that shows whether the credentials are good, and lets nothing change.
    fn probe(&self) -> Task<'_, Probed>;

    /// What can be done to its cards; none where nothing can.
    fn cards(&self) -> Option<&dyn CardProvider> {
        None
    }

    /// Asks for a dataset, and writes its rows in an order that does not depend on which answer came first.
    fn fetch<'a>(&'a self, ask: &'a Ask<'a>, rows: &'a mut RowWriter) -> Task<'a, Fetched> {
        let _ = rows;
        Box::pin(async move { Err(ProviderError::no_dataset(ask.dataset).into()) })
    }
}

/// What `doctor` wants to know of a provider that has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Probed {
    /// How far the provider's clock is ahead of ours, to about a second; none when it does not say.
    pub clock_skew: Option<TimeDelta>,
}
