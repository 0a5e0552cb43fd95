//! The pages on which periods are reviewed: what finance sees, and what it decides there.
//!
//! `access` says who may do what (pure). `desk` is what the pages are made from: the journal, the artifacts, the project.
//! `frame` is what all pages have in common. `pages` only look; `actions` take what people decide, by the same functions
//! as the command line; `import` takes it from a workbook. `guard` stands before all of them: it reads what is posted
//! (`form`) and finds out who asks (`visitors`), of those whom `gate` lets in (`passwords`, `limits`, `tokens`). `store`
//! reads what runs have left of their breaks.

pub mod access;
pub mod actions;
pub mod address;
pub mod desk;
pub mod done;
pub mod form;
pub mod frame;
pub mod gate;
pub mod guard;
pub mod import;
pub mod limits;
pub mod origin;
pub mod pages;
pub mod passwords;
pub mod peers;
pub mod port;
pub mod refused;
pub mod sign_off;
pub mod store;
pub mod tokens;
pub mod visitors;
