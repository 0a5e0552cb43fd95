//! What a sending job has sealed, at hand for sending: the bytes of each parcel, the URLs of bulk files, the upload
//! sessions of users.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;

use super::aside;
use super::urls::{self, Urls};
use crate::effects::parcels::row_id;
use crate::effects::{self, Ask, Body, Call, Effect, EffectKind, Method, Standing, State, Target};
use crate::exit::{ExitCode, Failure};
use crate::outgoing::{Parcel, Sealed, SpoolError};
use crate::progress::{Progress, Stage};
use crate::providers::kard::request_transactions as request;

/// Everything that the calls for parcels are made of.
#[derive(Debug)]
pub(super) struct Shelf {
    /// Where the sealed bytes lie.
    build: Arc<Sealed>,
    /// Name → its place in the build.
    places: HashMap<String, usize>,
    pub(super) urls: Urls,
    /// Effect id → the rows of a part, as sealed; only of what is about to be sent.
    rows: Mutex<HashMap<String, Vec<u8>>>,
    /// Name of a session → the provider's upload id.
    sessions: Mutex<HashMap<String, String>>,
    progress: Progress,
}

impl Shelf {
    pub(super) fn new(build: &Arc<Sealed>, progress: &Progress) -> Self {
        let parcels = build.manifest().parcels.iter().zip(0..);
        Self {
            build: Arc::clone(build),
            places: parcels.map(|(parcel, place)| (parcel.name.clone(), place)).collect(),
            urls: Urls::new(build.folder()),
            rows: Mutex::default(),
            sessions: Mutex::default(),
            progress: progress.clone(),
        }
    }

    /// The sealed file of a bulk file.
    pub(super) fn file(&self, effect: &Effect) -> Option<PathBuf> {
        self.parcel(effect.transaction()).map(|parcel| self.build.path(parcel))
    }

    fn parcel(&self, name: &str) -> Option<&Parcel> {
        self.places.get(name).map(|place| &self.build.manifest().parcels[*place])
    }

    /// Remembers the upload ids of sessions that are open.
    pub(super) fn opened(&self, starts: &[Standing]) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        for start in starts.iter().filter(|start| start.state == State::Acknowledged) {
            if let Some(id) = &start.provider_id {
                sessions.insert(start.effect.transaction().to_owned(), id.clone());
            }
        }
    }

    fn session(&self, name: &str) -> Option<String> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Takes the rows of these parts from the disk, and lets go of all others.
    ///
    /// # Errors
    /// When the bytes are not those that were sealed.
    pub(super) async fn take(&self, parts: &[Standing]) -> Result<(), Failure> {
        let of_calls = parts.iter().filter(|standing| standing.effect.kind().is_part());
        let wanted: Vec<(String, Parcel)> = of_calls
            .filter_map(|standing| {
                Some((standing.effect.id.clone(), self.parcel(standing.effect.transaction())?.clone()))
            })
            .collect();
        let build = Arc::clone(&self.build);
        let read = move || {
            let bytes = |(id, parcel): (String, Parcel)| Ok((id, build.bytes(&parcel)?));
            wanted.into_iter().map(bytes).collect::<Result<HashMap<_, _>, SpoolError>>()
        };
        let taken = aside(read).await?.map_err(|error| Failure::new(ExitCode::InputData, error))?;
        *self.rows.lock().unwrap_or_else(PoisonError::into_inner) = taken;
        Ok(())
    }

    /// One call for each of these that is approved, and for which everything is at hand.
    pub(super) fn calls(&self, standings: &[Standing]) -> Vec<Call> {
        let approved = standings.iter().filter(|standing| standing.state == State::Approved);
        approved.filter_map(|standing| self.call(standing)).collect()
    }

    fn call(&self, standing: &Standing) -> Option<Call> {
        let effect = &standing.effect;
        let organization = effect.key.organization.as_str();
        let members = vec![effect.id.clone()];
        let api = |method, path: Option<String>, body| {
            let target = Target::Api { method, path: path? };
            Some(Call { kind: effect.kind(), target, body: Body::Bytes(body), members: members.clone(), keyed: false })
        };
        match (effect.kind(), &effect.ask) {
            (EffectKind::BulkFile, Ask::Parcel(parcel)) => {
                let session = self.urls.session(effect.transaction());
                let session = session.filter(|session| !urls::is_refused(standing, session))?;
                let (path, bytes, sha256) = (self.file(effect)?, parcel.bytes, parcel.sha256.clone());
                let (target, body) = (Target::Storage { session }, Body::File { path, bytes, sha256 });
                Some(Call { kind: effect.kind(), target, body, members, keyed: false })
            }
            (EffectKind::IncomingPart, _) => {
                api(Method::Post, request::transactions_path(organization), self.body(standing)?)
            }
            (EffectKind::HistoricalPart, Ask::Parcel(effects::Parcel { session: Some(session), .. })) => {
                let upload = self.session(session)?;
                let path = request::historical_parts_path(organization, &effect.user, &upload);
                api(Method::Put, path, self.body(standing)?)
            }
            (EffectKind::HistoricalStart, _) => {
                let path = request::historical_start_path(organization, &effect.user);
                api(Method::Post, path, request::HISTORICAL_START_BODY.to_vec())
            }
            (EffectKind::HistoricalComplete, _) => {
                let upload = self.session(effect.transaction())?;
                let path = request::historical_complete_path(organization, &effect.user, &upload);
                api(Method::Put, path, request::historical_complete_body(&upload))
            }
            _ => None,
        }
    }

    /// The rows of a part that are not settled yet.
    fn body(&self, standing: &Standing) -> Option<Vec<u8>> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let text = rows.get(&standing.effect.id)?;
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        if standing.known.is_empty() {
            return request::body_of_lines(&lines);
        }
        let open = |line: &&[u8]| row_id(line).is_none_or(|id| !standing.known.contains(&id));
        let lines: Vec<&[u8]> = lines.into_iter().filter(open).collect();
        request::body_of_lines(&lines)
    }

    /// The URL of an upload session.
    pub(super) fn url(&self, session: &str) -> Option<SecretString> {
        self.urls.url(session)
    }

    /// Shows how far the upload of a file is.
    pub(super) fn progress(&self, file: &Path, bytes: u64) -> Stage {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.progress.bytes(name, bytes)
    }
}
