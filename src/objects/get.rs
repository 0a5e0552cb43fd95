//! Reading an object as a stream. A connection that is cut is gone on with where it ended, of the same object.

use std::io;
use std::path::{Path, PathBuf};

use aws_sdk_s3::primitives::ByteStream;

use super::client::{DIGEST, Found, S3, etag, size, time, version};
use super::error::ObjectError;
use super::place::Place;
use crate::text::visible;

/// So many times in a row a connection may end before another byte has come.
const CUTS: u32 = 4;
const DOING: &str = "reading";

impl S3 {
    /// Hands all bytes of an object to `sink`, in their order and each once, and tells what was read.
    ///
    /// # Errors
    /// When there is no such object, it cannot be read or was replaced meanwhile, its length is another than it said,
    /// or the sink refuses (then `at` is the path that is told).
    pub async fn get(
        &self,
        place: &Place,
        at: &Path,
        sink: &mut (dyn FnMut(&[u8]) -> io::Result<()> + Send),
    ) -> Result<Found, ObjectError> {
        let (found, mut body) = self.open(place).await?;
        let mut read = 0_u64;
        let mut cuts = 0;
        loop {
            let before = read;
            let cut = loop {
                match body.next().await {
                    Some(Ok(chunk)) => {
                        read += chunk.len() as u64;
                        if read > found.bytes {
                            return Err(damaged(place, read, found.bytes));
                        }
                        sink(&chunk).map_err(|source| disk(place, at, source))?;
                    }
                    Some(Err(error)) => break Some(error),
                    None => break None,
                }
            };
            if read == found.bytes {
                return Ok(found);
            }
            cuts = if read > before { 1 } else { cuts + 1 };
            match cut {
                Some(source) if cuts > CUTS => {
                    return Err(ObjectError::NoRoute { doing: DOING, place: place.clone(), source: Box::new(source) });
                }
                None if cuts > CUTS => return Err(damaged(place, read, found.bytes)),
                Some(source) => {
                    let (place, source) = (place.to_string(), visible(&source.to_string()).into_owned());
                    tracing::debug!("{place} was cut after {read} bytes ({source}); going on from there");
                }
                None => tracing::debug!("{place} ended after {read} bytes; going on from there"),
            }
            body = self.reopen(&found, read).await?;
        }
    }

    async fn open(&self, place: &Place) -> Result<(Found, ByteStream), ObjectError> {
        let asked = Box::pin(self.client().await.get_object().bucket(&place.bucket).key(place.key()).send()).await;
        let answer = asked.map_err(|error| ObjectError::of(DOING, place, error))?;
        let found = Found {
            place: place.clone(),
            bytes: size(DOING, place, answer.content_length())?,
            etag: etag(answer.e_tag()),
            version: version(answer.version_id()),
            last_modified: time(answer.last_modified()),
            sha256: answer.metadata().and_then(|metadata| metadata.get(DIGEST)).cloned(),
        };
        Ok((found, answer.body))
    }

    /// The rest of the same bytes: another object of this name is refused.
    async fn reopen(&self, found: &Found, from: u64) -> Result<ByteStream, ObjectError> {
        let place = &found.place;
        let request = self.client().await.get_object().bucket(&place.bucket).key(place.key());
        let request = request.range(format!("bytes={from}-")).if_match(format!("\"{}\"", found.etag));
        let answer = Box::pin(request.set_version_id(found.version.clone()).send()).await;
        let answer = answer.map_err(|error| match ObjectError::of(DOING, place, error) {
            ObjectError::Exists { doing, place } => ObjectError::Changed { doing, place },
            error => error,
        })?;
        let rest = size(DOING, place, answer.content_length())?;
        let whole = etag(answer.e_tag()) == found.etag && from + rest == found.bytes;
        if !whole {
            return Err(ObjectError::Changed { doing: DOING, place: place.clone() });
        }
        Ok(answer.body)
    }
}

fn damaged(place: &Place, found: u64, expected: u64) -> ObjectError {
    ObjectError::Damaged {
        doing: DOING,
        place: place.clone(),
        found: format!("{found} bytes came"),
        expected: format!("{expected} as it was announced"),
    }
}

pub(super) fn disk(place: &Place, path: &Path, source: io::Error) -> ObjectError {
    ObjectError::Disk { doing: DOING, place: place.clone(), path: PathBuf::from(path), source }
}
