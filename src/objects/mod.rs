//! Objects in S3, and in what speaks like it: list, read, write once, remove. Credentials come by the SDK's usual chain
//! (environment, profile, web identity, container, instance); no secret of it stands in any file of a project.
//!
//! What is written here is never written twice: every object is put under the condition that there is none of its name.

mod client;
mod error;
mod get;
pub mod kept;
mod place;
mod put;

pub use client::{Found, Keys, S3, S3Settings};
pub use error::ObjectError;
pub use kept::{Artifacts, KeepError};
pub use place::{Place, PlaceError};
pub use put::{DEFAULT_PART_BYTES, Put};
