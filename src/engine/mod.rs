//! A comparison on a cluster, with the same result as here. The cluster is a sieve: by predicates that take nothing for
//! granted it finds keys that are surely clean (or surely of another period), and gives only counts and sums of them. Of
//! every other row it tells the place; these rows are read here, from the same bytes, and go through the same normalizer,
//! matching and classification as if there were no cluster. So whatever is doubtful costs time and never changes a result.
//!
//! `plan` says what is compared, of which files, in which columns, or why a job cannot be sifted; `sql` puts a plan into
//! the SQL that all engines understand alike; `sieve` makes counts, sums and places of the answers; `spark` asks.

mod cells;
mod head;
pub mod plan;
pub mod sieve;
#[cfg(feature = "spark")]
pub mod spark;
pub mod sql;
mod text;
mod times;
mod values;

pub use plan::{At, Plan, Unfit};
pub use sieve::{Answer, Sieve, SieveError};

/// Whether this program was built with a client for clusters.
pub const HAS_SPARK: bool = cfg!(feature = "spark");
