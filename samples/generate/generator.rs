//! The generator's parts, in the order in which they build on each other. A test compiles this
//! file too, so that the shipped samples cannot drift away from it.

pub(crate) mod prng;
pub(crate) mod world;

pub(crate) mod rows;
pub(crate) mod stories;
pub(crate) mod suspicious;

pub(crate) mod sent;

pub(crate) mod audits;
pub(crate) mod bulk;
pub(crate) mod core;
pub(crate) mod days;
pub(crate) mod events;
pub(crate) mod issuing;
pub(crate) mod kuggar;
pub(crate) mod month;
pub(crate) mod readme;
pub(crate) mod reports;
pub(crate) mod shipped;

pub(crate) mod bongloy;
pub(crate) mod core_api;

pub(crate) mod half_year;

/// The seed of the samples in the repository.
pub(crate) const SHIPPED_SEED: u64 = 2025;
