//! The systems of others. Requests and replies are pure; `client` does the talking over `http`.

pub mod http;
pub mod kard;
