//! Passwords: kept as argon2id hashes, made and compared here. Neither a password nor a hash is ever shown.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::digest::sha256;

/// A shorter one is guessed.
pub const LEAST_CHARS: usize = 12;
/// A longer one is no password, and costs time to hash.
pub const MOST_BYTES: usize = 1024;
/// KiB. What takes less is broken by the million on one graphics card.
const LEAST_MEMORY: u32 = 7 * 1024;
/// KiB. Some sign-ins at once must fit into this machine.
const MOST_MEMORY: u32 = 256 * 1024;
const MOST_PASSES: u32 = 32;
/// Base64 of a salt and an output of usual lengths leaves room to spare.
const MOST_HASH_BYTES: usize = 256;

/// An argon2id hash in the PHC string format, checked.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// What is wrong with a hash; never the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    #[error("is no hash of a password; expected text that begins with $argon2id$v=19$")]
    NoHash,
    #[error("is not of argon2id; expected text that begins with $argon2id$v=19$")]
    OtherAlgorithm,
    #[error("is a hash without salt or value; expected $argon2id$v=19$m=…,t=…,p=…$SALT$HASH")]
    Incomplete,
    #[error("is too cheap to break; expected argon2id with m=7168 (KiB) at least, and a value of 16 bytes at least")]
    TooCheap,
    #[error("is too dear to check; expected argon2id with m=262144 (KiB) and t=32 at most")]
    TooDear,
}

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("the password has {found} characters; expected {LEAST_CHARS} at least, such as four words in a row")]
    TooShort { found: usize },
    #[error("the password is longer than {MOST_BYTES} bytes; expected a shorter one")]
    TooLong,
    #[error("the password is the name; expected one that nobody guesses")]
    IsName,
    #[error("this machine gives no random numbers, or no memory to hash with")]
    Machine,
}

impl PasswordHash {
    /// Checks a hash as written.
    ///
    /// # Errors
    /// When it is none, or not a good one.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        if text.len() > MOST_HASH_BYTES || !text.starts_with('$') {
            return Err(HashError::NoHash);
        }
        let hash = phc::PasswordHash::new(text).map_err(|_| HashError::NoHash)?;
        if hash.algorithm.as_str() != Algorithm::Argon2id.ident().as_str() {
            return Err(HashError::OtherAlgorithm);
        }
        let (Some(_), Some(value)) = (hash.salt.as_ref(), hash.hash.as_ref()) else {
            return Err(HashError::Incomplete);
        };
        let params = Params::try_from(&hash).map_err(|_| HashError::NoHash)?;
        if hash.version != Some(Version::V0x13.into()) {
            return Err(HashError::NoHash);
        }
        if params.m_cost() < LEAST_MEMORY || value.len() < 16 {
            return Err(HashError::TooCheap);
        }
        if params.m_cost() > MOST_MEMORY || params.t_cost() > MOST_PASSES {
            return Err(HashError::TooDear);
        }
        Ok(Self(text.to_owned()))
    }

    /// Hashes a new password of somebody, with a salt of its own. Takes some ten milliseconds.
    ///
    /// # Errors
    /// When it is too easy to guess, or the machine gives no random numbers.
    pub fn of(name: &str, password: &str) -> Result<Self, PasswordError> {
        let found = password.chars().count();
        if found < LEAST_CHARS {
            return Err(PasswordError::TooShort { found });
        }
        if password.len() > MOST_BYTES {
            return Err(PasswordError::TooLong);
        }
        if crate::decisions::person::is_same(name, password) {
            return Err(PasswordError::IsName);
        }
        Self::made(password, Params::default())
    }

    fn made(password: &str, params: Params) -> Result<Self, PasswordError> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| PasswordError::Machine)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = argon2.hash_password_with_salt(password.as_bytes(), &salt).map_err(|_| PasswordError::Machine)?;
        Ok(Self(hash.to_string()))
    }

    /// A hash of nothing that anybody knows, which takes as long to check as this one.
    ///
    /// # Errors
    /// When the machine gives no random numbers.
    pub fn dummy(like: Option<&Self>) -> Result<Self, PasswordError> {
        let params = like.map_or_else(Params::default, Self::params);
        let mut unknown = [0; 32];
        getrandom::fill(&mut unknown).map_err(|_| PasswordError::Machine)?;
        Self::made(&crate::digest::hex(&unknown), params)
    }

    fn params(&self) -> Params {
        let hash = phc::PasswordHash::new(&self.0).ok();
        hash.and_then(|hash| Params::try_from(&hash).ok()).unwrap_or_default()
    }

    /// How much work it is to check, to compare.
    pub fn work(&self) -> u64 {
        let params = self.params();
        u64::from(params.m_cost()) * u64::from(params.t_cost())
    }

    /// Whether it is this password's. Takes some ten milliseconds and megabytes.
    pub fn is_of(&self, password: &str) -> bool {
        password.len() <= MOST_BYTES
            && phc::PasswordHash::new(&self.0)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    }

    /// Tells one password of somebody from the next; says nothing about it.
    pub fn mark(&self) -> String {
        sha256(self.0.as_bytes())
    }

    /// As it is written into the project file.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
