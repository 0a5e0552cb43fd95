//! What can go wrong with an object, in the words of whoever has to act. Neither a key nor a signature is ever told.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;

use super::place::Place;
use crate::exit::ExitCode;
use crate::text::{cut, visible};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The words of a store are shown up to so many characters.
const SHOWN: usize = 200;
/// What stores say of credentials that they do not know, or no longer.
const REFUSED: [&str; 9] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "NotSignedUp",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
];

/// Why an object could not be read, written or listed.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// Exit code 78.
    #[error("{doing} {place}: there is no bucket `{}`; create it, or correct its name in tieout.yaml or the job", place.bucket)]
    NoBucket { doing: &'static str, place: Place },
    /// Nothing is wrong with the store; 65 where the object should be there.
    #[error("{doing} {place}: there is no such object")]
    NotThere { doing: &'static str, place: Place },
    /// Exit code 77.
    #[error(
        "{doing} {place}: access denied{told}; allow these credentials s3:ListBucket, s3:GetObject, s3:PutObject, \
         s3:DeleteObject and s3:AbortMultipartUpload there, or use others"
    )]
    Denied { doing: &'static str, place: Place, told: String },
    /// Exit code 77.
    #[error(
        "{doing} {place}: the credentials are not accepted ({code}{told}); renew them where the SDK finds them \
         (environment, profile, role), and check this machine's clock"
    )]
    Refused { doing: &'static str, place: Place, code: String, told: String },
    /// Exit code 77.
    #[error(
        "{doing} {place}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile at s3.profile \
         in tieout.yaml, or give the machine or pod a role"
    )]
    NoCredentials { doing: &'static str, place: Place, source: Source },
    /// Exit code 78.
    #[error("{doing} {place}: the bucket is in another region{told}; set s3.region in tieout.yaml")]
    OtherRegion { doing: &'static str, place: Place, told: String },
    /// Exit code 69.
    #[error("{doing} {place}: the store is too busy or failing ({status}{code}), after all retries; try again later")]
    Busy { doing: &'static str, place: Place, status: u16, code: String },
    /// Exit code 69.
    #[error(
        "{doing} {place}: no answer; check the network, s3.endpoint in tieout.yaml and whether a proxy or policy of the \
         network stands between"
    )]
    NoRoute { doing: &'static str, place: Place, source: Source },
    /// Somebody has written this object already. Nothing was changed.
    #[error("{doing} {place}: an object of this name is there already")]
    Exists { doing: &'static str, place: Place },
    /// Exit code 69: what is read again is read whole.
    #[error("{doing} {place}: the object was replaced while it was read; run again")]
    Changed { doing: &'static str, place: Place },
    /// Exit code 65.
    #[error("{doing} {place}: {found}; expected {expected}: the object is damaged or was replaced")]
    Damaged { doing: &'static str, place: Place, found: String, expected: String },
    #[error("{doing} {place}: the store answered {status}{told}")]
    Other { doing: &'static str, place: Place, status: u16, told: String },
    #[error("{doing} {place}: cannot use {path} on this machine")]
    Disk { doing: &'static str, place: Place, path: std::path::PathBuf, source: std::io::Error },
}

impl ObjectError {
    /// The exit code of a process that ends by it.
    pub const fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoBucket { .. } | Self::OtherRegion { .. } => ExitCode::Configuration,
            Self::Denied { .. } | Self::Refused { .. } | Self::NoCredentials { .. } => ExitCode::CredentialsRefused,
            Self::Busy { .. } | Self::NoRoute { .. } | Self::Changed { .. } => ExitCode::ProviderUnavailable,
            Self::NotThere { .. } | Self::Damaged { .. } => ExitCode::InputData,
            Self::Exists { .. } | Self::Other { .. } | Self::Disk { .. } => ExitCode::Unexpected,
        }
    }

    /// That there is no such object.
    pub const fn is_not_there(&self) -> bool {
        matches!(self, Self::NotThere { .. })
    }

    /// That somebody has written it already.
    pub const fn is_there_already(&self) -> bool {
        matches!(self, Self::Exists { .. })
    }

    /// What an SDK's error means. `doing`: `reading`, `writing`, …
    pub(super) fn of<E>(doing: &'static str, place: &Place, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let place = place.clone();
        match error {
            SdkError::ServiceError(context) => {
                let status = context.raw().status().as_u16();
                let region = context.raw().headers().get("x-amz-bucket-region").map(shown);
                let (code, words) = (context.err().code(), context.err().message());
                let request = aws_request_id(context.raw());
                let told = told(words, request.as_deref());
                Self::of_answer(doing, place, (status, code.map(shown)), region, told)
            }
            // A half-read answer is a failing network; the SDK has retried it.
            error if of_credentials(&error) => Self::NoCredentials { doing, place, source: Box::new(error) },
            error => Self::NoRoute { doing, place, source: Box::new(error) },
        }
    }

    fn of_answer(
        doing: &'static str,
        place: Place,
        (status, code): (u16, Option<String>),
        region: Option<String>,
        told: String,
    ) -> Self {
        let code = code.unwrap_or_default();
        match (status, code.as_str()) {
            (_, "NoSuchBucket") => Self::NoBucket { doing, place },
            (404, "NoSuchUpload") | (501, _) => {
                Self::Other { doing, place, status, told: format!("{}{told}", after(&code)) }
            }
            (404, _) => Self::NotThere { doing, place },
            (412, _) | (409, "ConditionalRequestConflict") => Self::Exists { doing, place },
            // An answer to HEAD has no words: this is what S3 says there of a token that has expired.
            (400, "") => Self::Refused { doing, place, code: "400 Bad Request".to_owned(), told },
            (status, refused) if status == 401 || REFUSED.contains(&refused) => {
                Self::Refused { doing, place, code, told }
            }
            (403, _) => Self::Denied { doing, place, told },
            (301 | 307, _) | (_, "PermanentRedirect" | "AuthorizationHeaderMalformed") => {
                let told = region.map_or(told, |region| format!(" ({region})"));
                Self::OtherRegion { doing, place, told }
            }
            (_, "BadDigest" | "InvalidDigest" | "XAmzContentSHA256Mismatch") => Self::Damaged {
                doing,
                place,
                found: format!("the store received other bytes than were sent ({code})"),
                expected: "those of the file".to_owned(),
            },
            (429 | 500.., _) | (_, "SlowDown" | "RequestTimeout") => {
                Self::Busy { doing, place, status, code: after(&code) }
            }
            _ => Self::Other { doing, place, status, told: format!("{}{told}", after(&code)) },
        }
    }
}

fn aws_request_id(response: &HttpResponse) -> Option<String> {
    response.headers().request_id().map(shown)
}

fn told(words: Option<&str>, request: Option<&str>) -> String {
    let mut told =
        words.filter(|words| !words.is_empty()).map_or_else(String::new, |words| format!(": {}", shown(words)));
    if let Some(request) = request {
        told.push_str(" (request ");
        told.push_str(request);
        told.push(')');
    }
    told
}

/// A code stands after its status, if there is one.
fn after(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!(" {code}") }
}

fn shown(text: &str) -> String {
    cut(&visible(text), SHOWN).into_owned()
}

/// The SDK says by nothing but its words that it found no credentials, or could not renew them.
fn of_credentials(error: &(dyn std::error::Error + 'static)) -> bool {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).any(|text| text.contains("credential") || text.contains("identity"))
}
