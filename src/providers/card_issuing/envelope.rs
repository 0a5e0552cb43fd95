//! The envelope around every body ("Encrypted envelope"): base64 over `XSalsa20-Poly1305`, which is `NaCl`'s secretbox.
//!
//! The document does not say where the nonce stands. It is taken to stand before the ciphertext, as `SecretBox` of
//! `PyNaCl` and all who follow it put it: 24 bytes of nonce, 16 bytes of authenticator, then as many bytes as the text
//! has. The project file names the choice (`nonce: prepended`).

use std::fmt;

use base64::Engine as _;
use crypto_secretbox::{AeadInPlace as _, Key, KeyInit as _, Nonce, Tag, XSalsa20Poly1305};
use serde::Deserialize;

use super::key::{BASE64, KEY_BYTES};

/// Unique for each message; random ones of this length never meet.
pub const NONCE_BYTES: usize = XSalsa20Poly1305::NONCE_SIZE;
/// The authenticator.
pub const TAG_BYTES: usize = XSalsa20Poly1305::TAG_SIZE;

/// A body that cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("the system gives no random bytes for the envelope's nonce")]
    Random(#[source] getrandom::Error),
}

/// What was received and cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("it is not JSON with the one text `encrypted`")]
    NoEnvelope,
    #[error("its `encrypted` is no base64")]
    NotBase64,
    #[error(
        "its `encrypted` holds {bytes} bytes; expected at least {} (a nonce of {NONCE_BYTES} and an authenticator of \
         {TAG_BYTES})",
        NONCE_BYTES + TAG_BYTES
    )]
    TooShort { bytes: usize },
    #[error("it does not open with the encryption_key")]
    OtherKey,
}

/// The body of every request, and of every reply but for the plain errors.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    encrypted: std::borrow::Cow<'a, str>,
}

/// Seals and opens. The key is overwritten when this is dropped.
pub struct Envelope {
    cipher: XSalsa20Poly1305,
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Envelope")
    }
}

impl Envelope {
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self { cipher: XSalsa20Poly1305::new(<&Key>::from(key)) }
    }

    /// The base64 of a sealed text, under a new random nonce.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn seal(&self, text: &[u8]) -> Result<String, SealError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(SealError::Random)?;
        let nonce = Nonce::from(nonce);
        let mut sealed = Vec::with_capacity(NONCE_BYTES + TAG_BYTES + text.len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&[0; TAG_BYTES]);
        sealed.extend_from_slice(text);
        let (head, body) = sealed.split_at_mut(NONCE_BYTES + TAG_BYTES);
        let Ok(tag) = self.cipher.encrypt_in_place_detached(&nonce, b"", body) else {
            unreachable!("secretbox refuses associated data only, and there is none");
        };
        head[NONCE_BYTES..].copy_from_slice(&tag);
        Ok(BASE64.encode(&sealed))
    }

    /// The text of what [`Self::seal`] makes.
    ///
    /// # Errors
    /// When it is no envelope, or sealed with another key, or changed on the way.
    pub fn open(&self, encrypted: &str) -> Result<Vec<u8>, OpenError> {
        let mut sealed = BASE64.decode(encrypted).map_err(|_| OpenError::NotBase64)?;
        if sealed.len() < NONCE_BYTES + TAG_BYTES {
            return Err(OpenError::TooShort { bytes: sealed.len() });
        }
        let (head, body) = sealed.split_at_mut(NONCE_BYTES + TAG_BYTES);
        let (mut nonce, mut tag) = (Nonce::default(), Tag::default());
        nonce.copy_from_slice(&head[..NONCE_BYTES]);
        tag.copy_from_slice(&head[NONCE_BYTES..]);
        let opened = self.cipher.decrypt_in_place_detached(&nonce, b"", body, &tag);
        opened.map_err(|_| OpenError::OtherKey)?;
        Ok(sealed.split_off(NONCE_BYTES + TAG_BYTES))
    }

    /// The body of a request around a text: `{"encrypted":"…"}`.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_body(&self, text: &[u8]) -> Result<String, SealError> {
        // Base64 holds nothing that JSON would escape.
        Ok(format!("{{\"encrypted\":\"{}\"}}", self.seal(text)?))
    }

    /// The text within a body.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_body(&self, body: &[u8]) -> Result<Vec<u8>, OpenError> {
        let body: Body<'_> = serde_json::from_slice(body).map_err(|_| OpenError::NoEnvelope)?;
        self.open(&body.encrypted)
    }
}
