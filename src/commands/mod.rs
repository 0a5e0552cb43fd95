//! One file per subcommand: each says what to print, `main` prints it.

pub mod schema;
pub mod validate;
