//! Presigned addresses as AWS makes them (Signature Version 4 in the query, payload unsigned): for one PUT or GET of
//! one object.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// Who signs, and for which storage.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    pub(crate) key: String,
    pub(crate) secret: String,
    pub(crate) region: String,
    /// `http://127.0.0.1:9000`; path-style addresses.
    pub(crate) endpoint: String,
}

impl Signer {
    /// The address of `/BUCKET/KEY`, good for `life_s` seconds from `at`.
    pub(crate) fn presign(&self, method: &str, path: &str, at: DateTime<Utc>, life_s: u32) -> String {
        let host = self.endpoint.split_once("://").expect("an endpoint has a scheme").1;
        let (day, time) = (at.format("%Y%m%d").to_string(), at.format("%Y%m%dT%H%M%SZ").to_string());
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let path = encode(path, true);
        // In order of name, as the canonical request wants them.
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={time}&X-Amz-Expires={life_s}\
             &X-Amz-SignedHeaders=host",
            encode(&format!("{}/{scope}", self.key), false)
        );
        let request = format!("{method}\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(request)));
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in [day.as_str(), &self.region, "s3", "aws4_request", &to_sign] {
            key = mac(&key, part);
        }
        format!("{}{path}?{query}&X-Amz-Signature={}", self.endpoint, hex(&key))
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn encode(text: &str, keep_slashes: bool) -> String {
    text.bytes().fold(String::new(), |encoded, byte| {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep_slashes && byte == b'/';
        if plain { encoded + &char::from(byte).to_string() } else { format!("{encoded}%{byte:02X}") }
    })
}
