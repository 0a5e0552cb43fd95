//! Effects: what is asked of a provider because of breaks, and what became of it. Everything here is pure;
//! `pipeline` sends and the journal remembers.
//!
//! `state` is the life of an effect, and the one list of its legal steps. `draft` makes of breaks and findings what
//! should be asked for, `rules` finds more in the rows, `describe` puts it into words, `plan` holds it against what is
//! known already, `call` packs what may be sent, `outcome` says what an answer means for each effect of a call, `news`
//! what notifications say of an audit later on, `confirm` what they say of a file that was sent, and `words` and
//! `doubt` say it all to people.

pub mod answers;
pub mod call;
pub mod confirm;
pub mod describe;
pub mod doubt;
pub mod draft;
mod draft_cards;
pub mod event;
mod kind;
pub mod news;
pub mod outcome;
pub mod outcome_cards;
pub mod pace;
pub mod parcels;
pub mod plan;
pub mod rules;
pub mod state;
pub mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use event::{Approval, Approver, Decision, Event, FileOutcome, News, RefusedRow};
pub use kind::EffectKind;
pub use outcome::{Judgement, Next, judge};
pub use state::{Doubt, IllegalEffectStep, Standing, State, apply};

use crate::digest::hex;
use crate::exit::ExitCode;
use crate::frames::Side;
use crate::job::AuditCode;
pub use crate::providers::Method;
use crate::providers::cards::CardCall;

/// What makes an effect unique for ever, whichever job, period or run wants it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BusinessKey {
    /// The provider's name in `tieout.yaml`.
    pub provider: String,
    /// The organization id of its paths.
    pub organization: String,
    pub kind: EffectKind,
    /// The transaction id as the issuer states it; of what a sending job sends, the name of the parcel or session.
    pub transaction: String,
}

impl BusinessKey {
    /// 16 hexadecimal digits over the key and the opening: the id of the effect.
    pub fn effect_id(&self, opening: u32) -> String {
        let mut hasher = Sha256::new();
        for part in [&*self.provider, &*self.organization, self.kind.name(), &*self.transaction] {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.update(opening.to_le_bytes());
        hex(&hasher.finalize()[..8])
    }
}

/// One thing to be asked of a provider: what, for whom, and why. It never changes once it is in flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// See [`BusinessKey::effect_id`].
    pub id: String,
    pub key: BusinessKey,
    /// 1; one more each time a person has opened the matter again.
    pub opening: u32,
    /// Why it was opened again, in that person's words.
    pub reopened: Option<String>,
    /// Who wants it.
    pub job: String,
    pub period: String,
    /// The user's id on the issuer's system.
    pub user: String,
    pub ask: Ask,
    /// What may be lost or owed: minor units of `currency`.
    pub at_risk_minor: i64,
    /// ISO 4217
    pub currency: String,
    /// At least one.
    pub grounds: Vec<Ground>,
}

impl Effect {
    pub const fn kind(&self) -> EffectKind {
        self.key.kind
    }

    /// Whether a second arrival does no harm: by its kind, or since the provider takes a key.
    pub const fn repeats_safely(&self) -> bool {
        match &self.ask {
            Ask::Card(ask) => ask.call.keyed,
            _ => self.kind().repeats_safely(),
        }
    }

    pub fn transaction(&self) -> &str {
        &self.key.transaction
    }

    /// The first ground in words, and how many more there are.
    pub fn why(&self) -> String {
        let first = self.grounds.first().map_or("", |ground| ground.rule.as_str());
        match self.grounds.len() {
            0 | 1 => first.to_owned(),
            more => format!("{first} and {} more", more - 1),
        }
    }
}

/// What exactly is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    Audit {
        code: AuditCode,
        merchant: String,
        description: String,
    },
    /// The transaction id and the user are all of it.
    Marker,
    /// Sealed bytes are to be sent.
    Parcel(Parcel),
    /// Something is to be done to a card.
    Card(CardAsk),
    /// A user's upload session is to be opened, or completed.
    Session {
        parts: u64,
        rows: u64,
    },
}

/// An order for a card, and the call that it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardAsk {
    /// The card as the provider calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// Limit, or what is put on it: minor units of the effect's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
    /// `YYYY-MM-DD`, as `valid_to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
    pub call: CardCall,
}

/// What lies sealed on disk: a bulk file, or the rows of one call as JSONL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// SHA-256 of the bytes on disk.
    pub sha256: String,
    pub bytes: u64,
    pub rows: u64,
    /// Currency (ISO 4217) → sum of the rows' amounts in minor units.
    pub totals_minor: BTreeMap<String, i64>,
    /// Of a historical part: the name of the session that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// What an effect rests on: a break, or a rule of the job that rows have met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// None for a rule over rows.
    pub break_id: Option<String>,
    /// The break's kind, or the rule in words: `more than 5 by card within 1h`.
    pub rule: String,
    /// The facts in one sentence.
    pub detail: String,
    /// The rows that made it, in order of side, file and line.
    pub rows: Vec<RowPlace>,
}

/// The place of a row, by the name of its file: it is still understood when the run is forgotten.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowPlace {
    pub side: Side,
    pub file: String,
    pub line: u64,
}

/// A transaction whose rows have met a rule of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub transaction: String,
    /// As its rows state it; none where none of them does.
    pub user: Option<String>,
    /// The rule in words: `velocity: more than 5 purchases by card within 1h`.
    pub rule: String,
    /// The facts in one sentence.
    pub detail: String,
    /// The rows that made it, in order of file and line.
    pub rows: Vec<RowPlace>,
    /// What is at risk: never negative, minor units of `currency`.
    pub amount_minor: i64,
    /// ISO 4217
    pub currency: String,
}

/// Something that should have been asked for and cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unplannable {
    pub kind: EffectKind,
    pub transaction: String,
    pub break_id: Option<String>,
    /// What is missing, as a lowercase fragment: `no side states the user`.
    pub reason: String,
}

/// One call to the provider: effects that travel together. The bytes are final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub kind: EffectKind,
    pub target: Target,
    pub body: Body,
    /// The ids of the effects, in the order of the items in the body.
    pub members: Vec<String>,
    /// Whether it goes with an idempotency key, which is the id of its one effect.
    pub keyed: bool,
}

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Below the provider's `base_url`: `/v2/issuers/org-123/fraud`, percent-encoded.
    Api { method: Method, path: String },
    /// PUT to the presigned URL of an upload session. The URL is a secret and stands elsewhere.
    Storage { session: String },
}

/// What is sent, exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// JSON.
    Bytes(Vec<u8>),
    /// A sealed file.
    File { path: PathBuf, bytes: u64, sha256: String },
}

impl Body {
    /// SHA-256 of the bytes, lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        match self {
            Self::Bytes(bytes) => crate::digest::sha256(bytes),
            Self::File { sha256, .. } => sha256.clone(),
        }
    }
}

impl Call {
    /// POST of a JSON body.
    pub const fn post(kind: EffectKind, path: String, body: Vec<u8>, members: Vec<String>) -> Self {
        Self {
            kind,
            target: Target::Api { method: Method::Post, path },
            body: Body::Bytes(body),
            members,
            keyed: false,
        }
    }

    /// 16 hexadecimal digits over target and body: the same call has the same name.
    pub fn id(&self) -> String {
        let mut hasher = Sha256::new();
        match &self.target {
            Target::Api { method: Method::Post, path } => hasher.update(path.as_bytes()),
            Target::Api { method, path } => hasher.update(format!("{} {path}", method.name())),
            Target::Storage { session } => hasher.update(format!("PUT to upload session {session}")),
        }
        hasher.update([0]);
        match &self.body {
            Body::Bytes(bytes) => hasher.update(bytes),
            Body::File { sha256, .. } => hasher.update(sha256),
        }
        hex(&hasher.finalize()[..8])
    }

    /// Whether a second arrival does no harm.
    pub const fn repeats_safely(&self) -> bool {
        self.keyed || self.kind.repeats_safely()
    }

    /// The upload session of the URL that it goes to.
    pub fn session(&self) -> Option<&str> {
        match &self.target {
            Target::Api { .. } => None,
            Target::Storage { session } => Some(session),
        }
    }
}

/// What a run's report tells of effects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EffectsFacts {
    /// SHA-256 over the plan: ids and exact items, whatever has been sent of it already.
    pub plan: String,
    /// Everything that this job wants for this period, in the order of the plan.
    pub planned: Vec<Standing>,
    /// Wanted too, but proposed or sent for another period or job before: never twice.
    pub elsewhere: Vec<Standing>,
    pub unplannable: Vec<Unplannable>,
    /// Why effects wait that need no approval by themselves: a limit, in words.
    pub held: Vec<String>,
    /// Every effect of this job that is in doubt, of whatever period.
    pub in_doubt: Vec<Standing>,
    /// Audits of which this run's notifications told something new, of whatever job and period.
    pub news: Vec<Standing>,
    /// Audits of this job that are longer without news than the job allows, oldest first.
    pub silent: Vec<Silent>,
    /// Why sending ended before everything was sent; a sentence fragment.
    pub stopped: Option<String>,
    /// What the process ends with because of that, where nothing worse is to be told.
    pub stopped_exit: Option<ExitCode>,
    /// Where the journal stood when the report was written.
    pub anchor: Option<Anchor>,
}

impl EffectsFacts {
    /// Whether it is cards that something is done to. A job does that, or asks for audits and markers, never both.
    pub fn is_about_cards(&self) -> bool {
        let standing = [&self.planned, &self.elsewhere, &self.in_doubt].into_iter().flatten();
        let kinds = standing.map(|standing| standing.effect.kind());
        kinds.chain(self.unplannable.iter().map(|found| found.kind)).any(|kind| kind.operation().is_some())
    }
}

/// An acknowledged audit that the provider has not spoken of for long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silent {
    pub standing: Standing,
    /// Whole days since it was acknowledged, or since the last news.
    pub days: i64,
}

/// A point of the journal: with it kept elsewhere, not even cutting its end goes unseen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Number of the last entry; 0 for an empty journal.
    pub sequence: u64,
    /// Its hash.
    pub hash: String,
}

/// One line of the journal that is about an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// From 1, without gaps.
    pub sequence: u64,
    /// UTC.
    pub at: DateTime<Utc>,
    /// The run that wrote it; none for what a person did on the command line.
    pub run: Option<String>,
    /// The epoch of that run's lease.
    pub epoch: Option<u64>,
    /// The effect's id.
    pub effect: String,
    pub event: Event,
    /// The hash of the entry before it; 64 zeros for the first.
    pub previous: String,
}
