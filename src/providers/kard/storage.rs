//! Bulk files into the storage behind Kard's upload URLs ("Create Bulk Transactions Upload URL").

use std::path::Path;

use reqwest::Url;
use secrecy::SecretString;

use super::client::{Client, SHOWN_PATH};
use super::error::{Endpoint, KardError};
use super::request::is_loopback;
use super::request_transactions::{MAX_FILE_BYTES, storage_address};
use crate::providers::http::{Answer, FileError, PutError, Redactor, displayable};

/// A shorter piece of a query (a date, a region, the name of an algorithm) opens nothing.
const SHORTEST_SECRET: usize = 16;

impl Client {
    /// Puts a sealed file of exactly `bytes` bytes to its upload URL, exactly once and over a connection of its own.
    /// The URL is all that the storage is given: no token, no credentials. `watch` is told how many bytes were handed
    /// over so far. No total time-out applies, only the idle one.
    ///
    /// The body of a reply is redacted: storages repeat in their refusals what was signed.
    ///
    /// # Errors
    /// Only where the storage surely has not got the file: the URL cannot be used, or the file is not the one that was
    /// sealed (then its last piece is held back). What the storage says is an [`Answer`].
    pub async fn put_file(
        &self,
        url: &SecretString,
        file: &Path,
        bytes: u64,
        watch: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<Answer, KardError> {
        let of_file = |source| KardError::File { path: displayable(&file.display().to_string(), SHOWN_PATH), source };
        if bytes > MAX_FILE_BYTES {
            return Err(of_file(FileError::TooLarge { bytes, most: MAX_FILE_BYTES }));
        }
        let address = storage_address(url).map_err(|source| KardError::UploadUrl { source })?;
        let (redactor, direct) = (knowing(url, &address), is_loopback(&address));
        self.http.put_file(address, file, bytes, direct, &redactor, watch).await.map_err(|error| match error {
            PutError::File(source) => of_file(source),
            PutError::Http(source) => KardError::Http { endpoint: Endpoint::Storage, source },
        })
    }
}

/// Knows the URL as a whole, and all in its query that could be used or would tell whose it is.
fn knowing(url: &SecretString, address: &Url) -> Redactor {
    let query = address.query().unwrap_or_default();
    let encoded = query.split('&').filter_map(|pair| Some(pair.split_once('=')?.1.to_owned()));
    let decoded = address.query_pairs().flat_map(|(_, value)| {
        // `AKIA…/20250319/us-east-1/s3/aws4_request`: the key's name alone is repeated in refusals.
        let first = value.split('/').next().map(str::to_owned);
        [Some(value.into_owned()), first].into_iter().flatten()
    });
    let mut pieces: Vec<String> = encoded.chain(decoded).filter(|piece| piece.len() >= SHORTEST_SECRET).collect();
    pieces.push(query.to_owned());
    // A piece may be the beginning of another: what is longer is taken out first.
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
    let mut known = vec![url.clone()];
    known.extend(pieces.into_iter().map(SecretString::from));
    Redactor::new(known)
}
