//! The one connection of a process to its object store, and what needs a single call: list, head, delete.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Credentials, RequestChecksumCalculation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::DateTime as SdkTime;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use super::error::ObjectError;
use super::place::Place;

/// Where nothing says otherwise; a bucket elsewhere answers where it is.
const REGION: &str = "us-east-1";
/// Calls in all for one that is answered by `SlowDown`, 5xx or not at all.
const ATTEMPTS: u32 = 5;
const FIRST_DELAY: Duration = Duration::from_millis(100);
const MAX_DELAY: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Until the first byte of an answer.
const READ_TIMEOUT: Duration = Duration::from_mins(1);
const LISTING: &str = "listing";
/// The metadata under which an object states the SHA-256 of its bytes.
pub(super) const DIGEST: &str = "sha256";

/// `s3:` of the project file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct S3Settings {
    /// Another store than AWS: `https://minio.example.com`.
    pub endpoint: Option<String>,
    /// None: by the SDK's chain, and else `us-east-1`.
    pub region: Option<String>,
    /// The bucket stands in the path, not in the host's name.
    pub path_style: bool,
    /// A profile of the SDK's configuration files.
    pub profile: Option<String>,
}

/// Keys that a caller holds itself.
#[derive(Debug, Clone)]
pub struct Keys {
    pub access_key: String,
    pub secret_key: SecretString,
}

/// An object as a store tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Bucket and key.
    pub place: Place,
    pub bytes: u64,
    /// Without its quotation marks.
    pub etag: String,
    /// None where the bucket keeps no versions, and in lists.
    pub version: Option<String>,
    /// UTC, to the second.
    pub last_modified: DateTime<Utc>,
    /// What the writer has stated as SHA-256 of the bytes; none in lists.
    pub sha256: Option<String>,
}

/// The object store of a project. Clones share one connection, which is made when it is first needed.
#[derive(Clone)]
pub struct S3 {
    settings: S3Settings,
    keys: Option<Keys>,
    client: Arc<OnceCell<Client>>,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl S3 {
    /// With credentials by the SDK's chain.
    pub fn new(settings: S3Settings) -> Self {
        Self { settings, keys: None, client: Arc::default() }
    }

    /// With keys of the caller.
    pub fn with_keys(settings: S3Settings, keys: Keys) -> Self {
        Self { settings, keys: Some(keys), client: Arc::default() }
    }

    pub const fn settings(&self) -> &S3Settings {
        &self.settings
    }

    pub(super) async fn client(&self) -> &Client {
        // Looking for credentials and a region is much, and done once.
        self.client.get_or_init(|| Box::pin(self.connect())).await
    }

    async fn connect(&self) -> Client {
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(FIRST_DELAY)
            .with_max_backoff(MAX_DELAY);
        let times = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .retry_config(retries)
            .timeout_config(times);
        if let Some(profile) = &self.settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(endpoint) = &self.settings.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some(region) = &self.settings.region {
            loader = loader.region(Region::new(region.clone()));
        } else if self.settings.endpoint.is_some() {
            // Asking an instance that is not Amazon's for its region would only take time.
            let said = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(|name| std::env::var(name).ok());
            loader = loader.region(Region::new(said.unwrap_or_else(|| REGION.to_owned())));
        }
        if let Some(Keys { access_key, secret_key }) = &self.keys {
            let keys = Credentials::new(access_key, secret_key.expose_secret(), None, None, "tieout");
            loader = loader.credentials_provider(keys);
        }
        let shared = loader.load().await;
        let region = shared.region().cloned().unwrap_or_else(|| Region::new(REGION));
        let config = aws_sdk_s3::config::Builder::from(&shared)
            .region(region)
            .force_path_style(self.settings.path_style)
            // Every object is written with a checksum of ours; other stores do not know the SDK's own trailers.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        Client::from_conf(config)
    }

    /// All objects whose keys begin with the place's prefix, by key; "folders" (empty objects whose key ends with a
    /// slash) are left out.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn list(&self, place: &Place) -> Result<Vec<Found>, ObjectError> {
        let mut found = Vec::new();
        let mut next = None;
        loop {
            let page = self.client().await.list_objects_v2().bucket(&place.bucket).prefix(&place.prefix);
            let page = Box::pin(page.set_continuation_token(next).send()).await;
            let page = page.map_err(|error| of_list(place, error))?;
            for object in page.contents() {
                let Some(key) = object.key().filter(|key| !key.ends_with('/')) else { continue };
                let place = Place { bucket: place.bucket.clone(), prefix: key.to_owned() };
                found.push(Found {
                    bytes: size(LISTING, &place, object.size())?,
                    etag: etag(object.e_tag()),
                    version: None,
                    last_modified: time(object.last_modified()),
                    sha256: None,
                    place,
                });
            }
            next = page.next_continuation_token().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        found.sort_by(|one, other| one.place.cmp(&other.place));
        Ok(found)
    }

    /// Whether there is anything at a place; asks for one name.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn look(&self, place: &Place) -> Result<bool, ObjectError> {
        let page = self.client().await.list_objects_v2().bucket(&place.bucket).prefix(&place.prefix).max_keys(1);
        let page = Box::pin(page.send()).await.map_err(|error| of_list(place, error))?;
        Ok(!page.contents().is_empty())
    }

    /// What the store tells of an object.
    ///
    /// # Errors
    /// [`ObjectError::NotThere`] when there is none, and whatever stands in the way. (S3 says "denied" of an object that
    /// is not there, where listing is not allowed.)
    pub async fn head(&self, place: &Place) -> Result<Found, ObjectError> {
        const DOING: &str = "looking at";
        let asked = Box::pin(self.client().await.head_object().bucket(&place.bucket).key(place.key()).send()).await;
        let head = asked.map_err(|error| ObjectError::of(DOING, place, error))?;
        Ok(Found {
            place: place.clone(),
            bytes: size(DOING, place, head.content_length())?,
            etag: etag(head.e_tag()),
            version: version(head.version_id()),
            last_modified: time(head.last_modified()),
            sha256: head.metadata().and_then(|metadata| metadata.get(DIGEST)).cloned(),
        })
    }

    /// Removes an object; that there is none is fine.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn delete(&self, place: &Place) -> Result<(), ObjectError> {
        let asked = Box::pin(self.client().await.delete_object().bucket(&place.bucket).key(place.key()).send()).await;
        match asked.map_err(|error| ObjectError::of("removing", place, error)) {
            Err(error) if !error.is_not_there() => Err(error),
            _ => Ok(()),
        }
    }
}

/// There is nothing else in a list that could be missing but its bucket.
fn of_list<E>(place: &Place, error: SdkError<E>) -> ObjectError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match ObjectError::of(LISTING, place, error) {
        ObjectError::NotThere { doing, place } => ObjectError::NoBucket { doing, place },
        error => error,
    }
}

pub(super) fn size(doing: &'static str, place: &Place, bytes: Option<i64>) -> Result<u64, ObjectError> {
    bytes.and_then(|bytes| u64::try_from(bytes).ok()).ok_or_else(|| ObjectError::Damaged {
        doing,
        place: place.clone(),
        found: "the store does not say how long it is".to_owned(),
        expected: "a length".to_owned(),
    })
}

pub(super) fn etag(text: Option<&str>) -> String {
    text.unwrap_or_default().trim_matches('"').to_owned()
}

/// A bucket that has never kept versions calls the only one `null`.
pub(super) fn version(text: Option<&str>) -> Option<String> {
    text.filter(|version| !version.is_empty() && *version != "null").map(str::to_owned)
}

pub(super) fn time(time: Option<&SdkTime>) -> DateTime<Utc> {
    time.and_then(|time| DateTime::from_timestamp(time.secs(), 0)).unwrap_or_default()
}
