//! What people decide, the same for the command line, the workbook and the pages: what is known is looked at, the decision
//! is checked, and written for all that it is about or for none.

pub mod breaks;
pub mod effects;
pub mod person;
pub mod sign_off;
