//! A notice as plain text mail.

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;

use super::send::{SendError, TIMEOUT};
use super::{Notice, words};
use crate::project::{Email, Security};
use crate::providers::http::{Redactor, displayable};

/// Of what the server says so much is told.
const LONGEST_ANSWER: usize = 200;
/// A subject is one line of a mailbox.
const LONGEST_SUBJECT: usize = 150;

/// Sends the mail; says what the server answered.
///
/// # Errors
/// When the server did not take it.
pub(super) async fn send(email: &Email, notice: &Notice) -> Result<String, SendError> {
    let message = message(email, notice)?;
    let credentials = email.credentials().map_err(|source| SendError::Secret { key: "email.password", source })?;
    let redactor = Redactor::new(credentials.iter().map(|(_, password)| password.clone()).collect());
    let told = |error: lettre::transport::smtp::Error| SendError::MailServer { said: with_causes(&error, &redactor) };
    let tls = match email.security {
        Security::Tls => Tls::Wrapper(TlsParameters::new(email.host.clone()).map_err(told)?),
        Security::StartTls => Tls::Required(TlsParameters::new(email.host.clone()).map_err(told)?),
        Security::Local => Tls::Opportunistic(TlsParameters::new(email.host.clone()).map_err(told)?),
    };
    // Not dangerous: `tls` says what is insisted on.
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(email.host.as_str())
        .port(email.port)
        .tls(tls)
        .timeout(Some(TIMEOUT));
    if let Some((name, password)) = credentials {
        builder = builder.credentials(Credentials::new(name, password.expose_secret().to_owned()));
    }
    let answer = builder.build().send(message).await.map_err(told)?;
    let said = answer.message().collect::<Vec<_>>().join(" ");
    let said = displayable(&redactor.redact(&said), LONGEST_ANSWER);
    Ok(format!("{} {said}", answer.code()).trim_end().to_owned())
}

fn with_causes(error: &(dyn std::error::Error + 'static), redactor: &Redactor) -> String {
    let behind = std::iter::successors(Some(error), |error| error.source());
    let text = behind.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    displayable(&redactor.redact(&text), LONGEST_ANSWER)
}

/// The mail. Every header is written by the library, which folds and encodes; no text of it holds a line break.
fn message(email: &Email, notice: &Notice) -> Result<Message, SendError> {
    let told = |error: lettre::error::Error| SendError::Mail { why: error.to_string() };
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let event = HeaderName::new_from_ascii_str("X-Tieout-Event-Id");
    let domain = email.from.email.domain();
    let mut builder = Message::builder()
        .from(email.from.clone())
        .subject(displayable(&words::subject(notice), LONGEST_SUBJECT))
        // Mailboxes that see a mail twice know it by this.
        .message_id(Some(format!("<{}@{domain}>", notice.id)))
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
        .raw_header(HeaderValue::new(event, notice.id.clone()))
        .header(ContentType::TEXT_PLAIN);
    for to in &email.to {
        builder = builder.to(to.clone());
    }
    builder.body(words::plain(notice)).map_err(told)
}
