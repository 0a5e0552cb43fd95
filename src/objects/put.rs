//! Writing an object, once: under the condition that there is none of its name. Big files go in parts, and appear
//! when all of them have arrived, or not at all.

use std::path::{Path, PathBuf};

use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt as _;
use tokio::task::JoinSet;

use super::client::{DIGEST, S3};
use super::error::ObjectError;
use super::place::Place;
use crate::digest::hex;

const DOING: &str = "writing";
/// A file of more bytes goes in parts of so many.
pub const DEFAULT_PART_BYTES: u64 = 16 << 20;
/// "Maximum number of parts per upload" of S3.
const MOST_PARTS: u64 = 10_000;
/// Parts on their way at a time; each is in memory.
const TOGETHER: usize = 4;
/// Looks again so many times where the store says that another write of the same name is going on.
const CONFLICTS: u32 = 3;
const CHUNK_BYTES: usize = 256 << 10;

/// A file that is to become an object.
#[derive(Debug, Clone)]
pub struct Put {
    pub place: Place,
    pub path: PathBuf,
    pub bytes: u64,
    /// Lower-case hexadecimal SHA-256 of the file; the store refuses other bytes, and later readers check it.
    pub sha256: String,
    /// More bytes than this go in parts of so many; at least 5 MiB (S3's "minimum part size").
    pub part_bytes: u64,
}

impl Put {
    /// # Errors
    /// When the file cannot be read.
    pub fn of(place: Place, path: &Path) -> std::io::Result<Self> {
        let (sha256, bytes) = digest_of(path)?;
        Ok(Self { place, path: path.to_owned(), bytes, sha256, part_bytes: DEFAULT_PART_BYTES })
    }
}

/// The SHA-256 and length of a file.
pub(super) fn digest_of(path: &Path) -> std::io::Result<(String, u64)> {
    let (mut file, mut hasher) = (std::fs::File::open(path)?, Sha256::new());
    let (mut chunk, mut bytes) = (vec![0; CHUNK_BYTES], 0);
    loop {
        let length = std::io::Read::read(&mut file, &mut chunk)?;
        if length == 0 {
            return Ok((hex(&hasher.finalize()), bytes));
        }
        hasher.update(&chunk[..length]);
        bytes += length as u64;
    }
}

impl S3 {
    /// Writes an object that is not there yet.
    ///
    /// # Errors
    /// [`ObjectError::Exists`] when there is one of this name, whatever its bytes; else whatever stood in the way. Then
    /// nothing is left of it.
    pub async fn put(&self, put: &Put) -> Result<(), ObjectError> {
        if put.bytes > put.part_bytes {
            return self.put_in_parts(put).await;
        }
        let path = &put.path;
        let unreadable = |error: aws_sdk_s3::primitives::ByteStreamError| disk(put, std::io::Error::other(error));
        let checksum = base64_of(&put.sha256);
        for _ in 0..CONFLICTS {
            let body = ByteStream::read_from().path(path).length(Length::Exact(put.bytes)).build().await;
            let request = self.client().await.put_object().bucket(&put.place.bucket).key(put.place.key());
            let request =
                request.if_none_match("*").metadata(DIGEST, &put.sha256).set_checksum_sha256(checksum.clone());
            let length = i64::try_from(put.bytes).ok();
            let asked = Box::pin(request.set_content_length(length).body(body.map_err(unreadable)?).send()).await;
            match asked.map_err(|error| ObjectError::of(DOING, &put.place, error)) {
                // Two writers at once: one may have failed by now.
                Err(error) if error.is_there_already() && !self.is_there(&put.place).await? => {}
                Err(error) => return Err(error),
                Ok(_) => return Ok(()),
            }
        }
        Err(ObjectError::Exists { doing: DOING, place: put.place.clone() })
    }

    async fn is_there(&self, place: &Place) -> Result<bool, ObjectError> {
        match self.head(place).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_there() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn put_in_parts(&self, put: &Put) -> Result<(), ObjectError> {
        let place = &put.place;
        // A big file is not sent in vain.
        if self.is_there(place).await? {
            return Err(ObjectError::Exists { doing: DOING, place: place.clone() });
        }
        let begun = self.client().await.create_multipart_upload().bucket(&place.bucket).key(place.key());
        let begun =
            Box::pin(begun.metadata(DIGEST, &put.sha256).checksum_algorithm(ChecksumAlgorithm::Sha256).send()).await;
        let begun = begun.map_err(|error| ObjectError::of(DOING, place, error))?;
        let upload = begun.upload_id().unwrap_or_default().to_owned();
        let mut begun = Begun { s3: self.clone(), place: place.clone(), upload, over: false };
        let done = match self.send_parts(put, &begun.upload).await {
            Ok(parts) => self.complete(put, &begun.upload, parts).await,
            Err(error) => Err(error),
        };
        begun.over = true;
        if done.is_err() {
            self.give_up(place, &begun.upload).await;
        }
        done
    }

    async fn give_up(&self, place: &Place, upload: &str) {
        let aborted = self.client().await.abort_multipart_upload().bucket(&place.bucket).key(place.key());
        if let Err(error) = Box::pin(aborted.upload_id(upload).send()).await {
            let error = ObjectError::of("giving up", place, error);
            tracing::warn!("{error}; a rule of the bucket for incomplete multipart uploads removes it in time");
        }
    }

    /// Reads the file once, in order; its digest must be the one that is stated.
    async fn send_parts(&self, put: &Put, upload: &str) -> Result<Vec<CompletedPart>, ObjectError> {
        let size = put.part_bytes.max(put.bytes.div_ceil(MOST_PARTS));
        let mut file = tokio::fs::File::open(&put.path).await.map_err(|error| disk(put, error))?;
        let (mut hasher, mut left) = (Sha256::new(), put.bytes);
        let mut on_their_way = JoinSet::new();
        let mut parts = Vec::new();
        let mut number = 0;
        while left > 0 {
            let mut part = vec![0; usize::try_from(left.min(size)).unwrap_or(usize::MAX)];
            file.read_exact(&mut part).await.map_err(|error| disk(put, error))?;
            left -= part.len() as u64;
            hasher.update(&part);
            number += 1;
            if on_their_way.len() >= TOGETHER {
                parts.push(arrived(on_their_way.join_next().await)?);
            }
            let (s3, place, upload) = (self.clone(), put.place.clone(), upload.to_owned());
            on_their_way.spawn(async move { s3.send_part(&place, &upload, number, part.into()).await });
        }
        while !on_their_way.is_empty() {
            parts.push(arrived(on_their_way.join_next().await)?);
        }
        let found = hex(&hasher.finalize());
        if found != put.sha256 {
            let (found, expected) = (format!("the file has sha256 {found}"), put.sha256.clone());
            return Err(ObjectError::Damaged { doing: DOING, place: put.place.clone(), found, expected });
        }
        parts.sort_by_key(CompletedPart::part_number);
        Ok(parts)
    }

    async fn send_part(
        &self,
        place: &Place,
        upload: &str,
        number: i32,
        part: Bytes,
    ) -> Result<CompletedPart, ObjectError> {
        let checksum = BASE64_STANDARD.encode(Sha256::digest(&part));
        let request = self.client().await.upload_part().bucket(&place.bucket).key(place.key()).upload_id(upload);
        let request = request.part_number(number).checksum_sha256(&checksum).body(ByteStream::from(part));
        let sent = Box::pin(request.send()).await.map_err(|error| ObjectError::of(DOING, place, error))?;
        let part = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag().map(str::to_owned));
        Ok(part.checksum_sha256(checksum).build())
    }

    async fn complete(&self, put: &Put, upload: &str, parts: Vec<CompletedPart>) -> Result<(), ObjectError> {
        let place = &put.place;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.client().await.complete_multipart_upload().bucket(&place.bucket).key(place.key());
        let request = request.upload_id(upload).multipart_upload(parts).if_none_match("*");
        match Box::pin(request.send()).await.map_err(|error| ObjectError::of(DOING, place, error)) {
            // An answer that was lost on its way is asked for again, and the upload is then over.
            Err(error @ ObjectError::Other { .. }) => match self.head(place).await {
                Ok(found) if found.sha256.as_ref() == Some(&put.sha256) && found.bytes == put.bytes => Ok(()),
                _ => Err(error),
            },
            done => done.map(|_| ()),
        }
    }
}

/// An upload in parts. Its parts cost until it is completed or given up, also where its writer is told to stop.
struct Begun {
    s3: S3,
    place: Place,
    upload: String,
    over: bool,
}

impl Drop for Begun {
    fn drop(&mut self) {
        let (s3, place, upload) = (self.s3.clone(), self.place.clone(), std::mem::take(&mut self.upload));
        if let (false, Ok(runtime)) = (self.over, tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { s3.give_up(&place, &upload).await });
        }
    }
}

type Arrived = Option<Result<Result<CompletedPart, ObjectError>, tokio::task::JoinError>>;

fn arrived(part: Arrived) -> Result<CompletedPart, ObjectError> {
    part.expect("it is asked for only while some are on their way").expect("sending a part does not panic")
}

fn disk(put: &Put, source: std::io::Error) -> ObjectError {
    ObjectError::Disk { doing: DOING, place: put.place.clone(), path: put.path.clone(), source }
}

/// S3 wants base64 where all others say hexadecimal. None where it is no digest: the store then checks nothing.
fn base64_of(sha256: &str) -> Option<String> {
    let byte = |at: usize| u8::from_str_radix(sha256.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..sha256.len()).step_by(2).map(byte).collect();
    bytes.map(|bytes| BASE64_STANDARD.encode(bytes))
}
