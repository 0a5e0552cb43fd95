//! The pages on which periods are reviewed: what finance sees, and what it decides there.
//!
//! `access` says who may do what (pure). `desk` is what the pages are made from: the journal, the artifacts, the project.
//! `frame` is what all pages have in common. `pages` only look; `actions` take what people decide, by the same functions
//! as the command line; `import` takes it from a workbook. `guard` stands before all of them. `store` reads what runs have left of their breaks.

pub mod access;
pub mod actions;
pub mod address;
pub mod desk;
pub mod frame;
pub mod guard;
pub mod import;
pub mod pages;
pub mod port;
pub mod sign_off;
pub mod store;
