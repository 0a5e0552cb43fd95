//! `tieout review`: what is done about reviewing outside of the pages.

use super::{Context, review_import, review_users};
use crate::cli::ReviewCommand;
use crate::exit::{ExitCode, Failure};

/// Does one of its commands.
///
/// # Errors
/// Those of the command.
pub async fn run(context: Context, command: ReviewCommand) -> Result<ExitCode, Failure> {
    match command {
        ReviewCommand::Import(args) => review_import::import(context, args).await,
        ReviewCommand::User(args) => review_users::user(context, args).await,
        ReviewCommand::HashPassword => review_users::hash_password(context).await,
    }
}
