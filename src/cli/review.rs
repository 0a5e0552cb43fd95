//! The commands about reviewing. Shapes only.

use clap::{Args, Subcommand};

use crate::review::access::Role;

const USER_HELP: &str = "\
Examples:
  tieout review user \"Mara Lind\" --role reviewer
  pass show tieout/mara | tieout review user \"Mara Lind\" --role reviewer

Asks twice for the password on a terminal, without showing it; else it is the
one line of stdin. Prints the entry for `review: users:` of tieout.yaml, or for
the file that `users_file` names; nothing is written. `tieout serve` reads them
when it begins.";

#[derive(Debug, Clone, Subcommand)]
pub enum ReviewCommand {
    /// Print the entry of somebody who may sign in to the pages
    #[command(after_help = USER_HELP)]
    User(UserArgs),
    /// Print the hash of a password alone, for a secret store
    #[command(after_help = "\
Example:
  tieout review hash-password > /run/secrets/mara

Name the place at `password: {file: PATH}` of the user.")]
    HashPassword,
}

#[derive(Debug, Clone, Args)]
pub struct UserArgs {
    /// The name that the journal keeps beside their decisions
    pub name: String,
    /// What they may do: each may all that those before it may
    #[arg(long, value_enum)]
    pub role: Role,
}
