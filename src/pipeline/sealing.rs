//! The stage that makes of a source what is sent: pulled, then sealed on disk, or found sealed by an earlier attempt.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::earlier::{self, Earlier};
use super::sending::taker;
use super::stop::Stop;
use super::{Request, Trail, aside, pull, unless_stopped};
use crate::breaks::sending::RejectedRow;
use crate::breaks::{Break, RowRef, files};
use crate::digest::hex;
use crate::effects::{Ask, BusinessKey, Effect, EffectKind, Ground, Parcel, RefusedRow, RowPlace};
use crate::exit::{ExitCode, Failure};
use crate::frames::{Measure, Quarantined, Side, Warning};
use crate::job::{SendApproval, Sending, Way};
use crate::journal::Step;
use crate::objects::Artifacts;
use crate::outgoing::{self, BuildSpec, Built, FoundRow, Grain, Layout, Spool};
use crate::period::duration_words;
use crate::providers::kard::request_transactions::MAX_TRANSACTIONS;
use crate::records::RecordPlan;
use crate::report::facts::InputFacts;
use crate::report::gather::origin;
use crate::report::gather_sent::{Counted, SourceCounts};
use crate::sources::RawFile;
use crate::sources::store::RawStore;

/// What lies ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    build: Arc<outgoing::Sealed>,
    files: Vec<RawFile>,
    pub(super) warnings: Vec<Warning>,
    /// The source that is not there, where the job goes on without it.
    pub(super) missing: Vec<Break>,
}

/// Pulls the source and seals it; what an earlier attempt has sealed of the same bytes is taken as it is.
pub(super) async fn seal(
    request: &Request,
    sending: &Sending,
    (store, spool): (&RawStore, Spool),
    earlier: &Earlier,
    stop: &Stop,
    trail: &Trail<'_>,
) -> Result<Sealed, Failure> {
    let stage = request.progress.stage("pull");
    let pulled = unless_stopped(stop, pull::inputs(request, &[&sending.source], store, earlier, false)).await?;
    stage.finish(format!("{} files", pulled.iter().map(|input| input.files.len()).sum::<usize>()));
    if let Trail(Some(_)) = trail {
        pull::keep(request, &pulled).await?;
    }
    trail.mark(Step::Pulled, earlier::detail(request, &pulled)).await?;
    let mut warnings: Vec<Warning> = pulled.iter().flat_map(|input| input.warnings.iter().cloned()).collect();
    let missing = pulled.iter().filter(|input| input.missing());
    let missing = missing
        .map(|input| files::missing(&request.job.name, input.side, (&input.wanted, None), None, &request.period));
    let missing = missing.collect();
    let files: Vec<RawFile> = pulled.into_iter().flat_map(|input| input.files).collect();

    let work = Work {
        sending: sending.clone(),
        job: request.job.name.clone(),
        period: request.period.label.clone(),
        organization: taker(request, sending)?.kard()?.organization.clone(),
        files: files.clone(),
        spool,
        kept: request.project.kept(),
        stage: request.progress.stage("seal"),
        stop: stop.clone(),
    };
    // It hears by itself that it is to stop, and is awaited: what it has half-written goes before the process does.
    let outcome = aside(move || work.done()).await?;
    let build = outcome.map_err(|failure| match stop.by() {
        Some(name) if failure.code == ExitCode::TryAgainLater => super::stopped(name),
        _ => failure,
    })?;
    let manifest = build.manifest();
    warnings.extend(manifest.warnings.iter().cloned());
    if let Trail(Some((journal, record))) = trail {
        let read = files.iter().cloned().zip(&manifest.files).map(|(file, read)| (Side::Ledger, file, read.rows));
        let mut read: Vec<_> = read.collect();
        pull::recorded(request, &mut read);
        journal.record_inputs(record, &read).await?;
        // What is about to be sent lasts longer than this machine, before anybody hears of it.
        let kept = request.project.kept();
        let keeping = async { Ok(kept.keep(&build.files()).await?) };
        unless_stopped(stop, keeping).await?;
    }
    let (parcels, rows) = (manifest.parcels.len(), manifest.sealed.rows);
    trail.mark(Step::Sealed, json!({ "build": manifest.key, "parcels": parcels, "rows": rows })).await?;
    Ok(Sealed { build: Arc::new(build), files, warnings, missing })
}

/// What is done away from the threads that answer the network.
struct Work {
    sending: Sending,
    job: String,
    period: String,
    organization: String,
    files: Vec<RawFile>,
    spool: Spool,
    kept: Artifacts,
    stage: crate::progress::Stage,
    stop: Stop,
}

impl Work {
    fn done(self) -> Result<outgoing::Sealed, Failure> {
        let Self { sending, job, period, organization, files, spool, kept, stage, stop } = self;
        let plan = RecordPlan::new(&sending.mapping, &organization);
        let layout = match &sending.way {
            Way::Upload(upload) => Layout::BulkFiles { max_bytes: upload.max_bytes, max_rows: upload.max_rows },
            Way::Incoming => Layout::Parts { rows: MAX_TRANSACTIONS as u64 },
            Way::Historical => Layout::PartsByUser { rows: MAX_TRANSACTIONS as u64 },
        };
        let spec = BuildSpec {
            job: &job,
            period: &period,
            block: sending.way.name(),
            source: &sending.source,
            lines: &plan,
            mapping: &format!("{organization} {:?}", sending.mapping),
            layout,
            tolerated: sending.source.quarantine_limit,
            grain: Grain::default(),
            workers: None,
        };
        let told = |error: outgoing::SpoolError| Failure::new(ExitCode::Unexpected, error);
        let key = spec.key(&files);
        // This is no thread of the runtime's: it may wait.
        tokio::runtime::Handle::current().block_on(Spool::bring(&kept, spool.folder(), &key))?;
        if let Some(sealed) = spool.find(&key).map_err(told)? {
            stage.finish(format!("{} rows, sealed before", sealed.manifest().sealed.rows));
            return Ok(sealed);
        }
        let show = |built: Built| stage.tell(format!("{} rows, {} bytes", built.rows, built.bytes));
        let built = outgoing::build(&spec, &files, &spool, &|| stop.is_asked(), &show);
        let built = built.map_err(|error| Failure::new(error.exit_code(), error))?;
        stage.finish(format!("{} rows", built.manifest().sealed.rows));
        Ok(built)
    }
}

impl Sealed {
    pub(super) fn build(&self) -> &Arc<outgoing::Sealed> {
        &self.build
    }

    /// The build's parcel of that name.
    fn parcel(&self, name: &str) -> Option<&outgoing::Parcel> {
        self.build.manifest().parcels.iter().find(|parcel| parcel.name == name)
    }

    /// What is wanted: every parcel; for a user's upload session also that it is opened, and completed.
    pub(super) fn effects(
        &self,
        request: &Request,
        sending: &Sending,
        organization: &str,
    ) -> Result<Vec<Effect>, Failure> {
        let maker = Maker { request, sending, organization, sealed: self };
        let parcels = &self.build.manifest().parcels;
        match &sending.way {
            Way::Upload(_) => parcels.iter().map(|parcel| maker.parcel(EffectKind::BulkFile, parcel, None)).collect(),
            Way::Incoming => {
                parcels.iter().map(|parcel| maker.parcel(EffectKind::IncomingPart, parcel, None)).collect()
            }
            Way::Historical => maker.sessions(parcels),
        }
    }

    /// The files that were read, with the sums of the rows that were written.
    pub(super) fn inputs(&self) -> Vec<InputFacts> {
        let manifest = self.build.manifest();
        // Sums are kept for all files together: they are told where they are exact, with one file.
        let only = self.files.len() == 1;
        let counts = self.source_counts();
        let sums = |_: &RawFile| {
            let sums = counts.read.sums_minor.iter().filter(|_| only);
            sums.map(|(currency, sum)| (currency.clone(), Measure::TransactionAmount, *sum)).collect()
        };
        let read = self.files.iter().zip(&manifest.files);
        read.map(|(file, read)| InputFacts {
            side: Side::Ledger,
            name: file.name.clone(),
            origin: origin(file),
            sha256: file.sha256.clone(),
            bytes: file.bytes,
            rows: read.rows,
            sums: sums(file),
        })
        .collect()
    }

    /// The source's side of the tie-out.
    pub(super) fn source_counts(&self) -> SourceCounts {
        let manifest = self.build.manifest();
        let source = &manifest.source;
        let mut counts = SourceCounts {
            read: Counted { rows: source.rows, sums_minor: source.totals.by_currency().clone() },
            quarantined: Counted { rows: source.quarantined, ..Counted::default() },
            repeated: Counted { rows: source.repeated, ..Counted::default() },
        };
        for row in &manifest.left_out {
            let amount = row.amounts_minor[Measure::TransactionAmount as usize];
            let (Some(currency), Some(amount)) = (&row.currency, amount) else { continue };
            let aside = if outgoing::is_repeat(row) { &mut counts.repeated } else { &mut counts.quarantined };
            for counted in [aside, &mut counts.read] {
                *counted.sums_minor.entry(currency.clone()).or_default() += i128::from(amount);
            }
        }
        counts
    }

    /// Rows that do not fit, and rows that repeat others.
    pub(super) fn quarantine(&self) -> Vec<Quarantined> {
        self.build.manifest().left_out.clone()
    }

    /// Refused rows of a parcel, found again in its sealed bytes.
    pub(super) async fn find(&self, name: &str, refused: Vec<RefusedRow>) -> Result<Vec<RejectedRow>, Failure> {
        let Some(parcel) = self.parcel(name).cloned() else { return Ok(Vec::new()) };
        let build = Arc::clone(&self.build);
        let work = aside(move || {
            let ids: BTreeSet<String> = refused.iter().map(|row| row.event_id.clone()).collect();
            let lines: BTreeSet<u64> = refused.iter().filter_map(|row| row.line).collect();
            let found = build.find(&parcel, &ids, &lines)?;
            Ok::<_, outgoing::SpoolError>(found.into_iter().map(|row| rejected(&parcel.name, row, &refused)).collect())
        });
        work.await?.map_err(|error| Failure::new(ExitCode::Unexpected, error))
    }
}

fn rejected(file: &str, row: FoundRow, refused: &[RefusedRow]) -> RejectedRow {
    let about = |refused: &&RefusedRow| refused.event_id == row.event_id || refused.line == Some(row.line);
    let words: BTreeSet<&str> = refused.iter().filter(about).map(|refused| refused.why.as_str()).collect();
    RejectedRow {
        file: file.to_owned(),
        line: row.line,
        words: words.into_iter().collect::<Vec<_>>().join("; "),
        transaction: row.transaction_id.unwrap_or_default(),
        user: row.user_id.unwrap_or_default(),
        event_id: row.event_id,
        currency: row.currency,
        amount_minor: row.amount_minor,
        source: Some(RowRef { file: row.source.file, line: row.source.line }),
        occurred_at: None,
    }
}

/// Makes effects of sealed parcels.
struct Maker<'a> {
    request: &'a Request,
    sending: &'a Sending,
    organization: &'a str,
    sealed: &'a Sealed,
}

impl Maker<'_> {
    fn effect(&self, kind: EffectKind, name: String, user: &str, ask: Ask, ground: Ground) -> Effect {
        let key = BusinessKey {
            provider: self.sending.provider.clone(),
            organization: self.organization.to_owned(),
            kind,
            transaction: name,
        };
        Effect {
            id: key.effect_id(1),
            key,
            opening: 1,
            reopened: None,
            job: self.request.job.name.clone(),
            period: self.request.period.label.clone(),
            user: user.to_owned(),
            ask,
            // Nothing is lost or owed by sending what was booked.
            at_risk_minor: 0,
            currency: String::new(),
            grounds: vec![ground],
        }
    }

    fn parcel(&self, kind: EffectKind, parcel: &outgoing::Parcel, session: Option<String>) -> Result<Effect, Failure> {
        let totals = parcel.totals.by_currency().iter();
        let totals_minor: BTreeMap<String, i64> = totals
            .map(|(currency, sum)| Ok((currency.clone(), i64::try_from(*sum)?)))
            .collect::<Result<_, std::num::TryFromIntError>>()
            .with_context(|| format!("the amounts of {} add up to more than 64 bits hold; split smaller", parcel.name))
            .map_err(|error| Failure::new(ExitCode::InputData, error))?;
        let place = |place: outgoing::SourcePlace| RowPlace {
            side: Side::Ledger,
            file: self.sealed.files.get(place.file as usize).map(|file| file.name.clone()).unwrap_or_default(),
            line: place.line,
        };
        let (first, last) = (place(parcel.first), place(parcel.last));
        let detail = format!("{} line {} to {} line {}", first.file, first.line, last.file, last.line);
        let rows = if first == last { vec![first] } else { vec![first, last] };
        let ground = Ground { break_id: None, rule: self.sending.way.name().to_owned(), detail, rows };
        let ask = Ask::Parcel(Parcel {
            sha256: parcel.sha256.clone(),
            bytes: parcel.bytes,
            rows: parcel.rows,
            totals_minor,
            session,
        });
        Ok(self.effect(kind, parcel.name.clone(), parcel.user.as_deref().unwrap_or_default(), ask, ground))
    }

    /// For each user, in their order: the session is opened, gets its parts, and is completed.
    fn sessions(&self, parcels: &[outgoing::Parcel]) -> Result<Vec<Effect>, Failure> {
        let (mut starts, mut parts, mut completes) = (Vec::new(), Vec::new(), Vec::new());
        for of_user in parcels.chunk_by(|one, other| one.user == other.user) {
            let user = of_user[0].user.as_deref().unwrap_or_default();
            let name = self.session_name(of_user);
            let rows = of_user.iter().map(|parcel| parcel.rows).sum();
            let ask = Ask::Session { parts: of_user.len() as u64, rows };
            let ground = || Ground {
                break_id: None,
                rule: self.sending.way.name().to_owned(),
                detail: format!("{rows} transactions of one user"),
                rows: Vec::new(),
            };
            starts.push(self.effect(EffectKind::HistoricalStart, name.clone(), user, ask.clone(), ground()));
            for parcel in of_user {
                parts.push(self.parcel(EffectKind::HistoricalPart, parcel, Some(name.clone()))?);
            }
            completes.push(self.effect(EffectKind::HistoricalComplete, name, user, ask, ground()));
        }
        starts.extend(parts);
        starts.extend(completes);
        Ok(starts)
    }

    /// The same for the same transactions: a session that is complete is never begun again.
    fn session_name(&self, parcels: &[outgoing::Parcel]) -> String {
        let mut hasher = Sha256::new();
        for parcel in parcels {
            hasher.update(parcel.user.as_deref().unwrap_or_default());
            hasher.update([0]);
            hasher.update(&parcel.sha256);
        }
        let digest = hex(&hasher.finalize()[..8]);
        format!("{}-{}-{digest}", self.request.job.name, self.request.period.label)
    }
}

/// What was asked for, in words.
pub(super) fn parameters(sending: &Sending) -> Vec<(String, String)> {
    let mut said = vec![
        ("sends".to_owned(), sending.mapping.record.name().to_owned()),
        ("by".to_owned(), sending.way.words()),
        ("rows tolerated that do not fit".to_owned(), sending.source.quarantine_limit.to_string()),
    ];
    let approval = match sending.approval {
        SendApproval::None => "none",
        SendApproval::Required => "required",
    };
    said.push(("approval".to_owned(), approval.to_owned()));
    if let Some(confirm) = &sending.confirm {
        said.push(("result due within".to_owned(), duration_words(confirm.within)));
    }
    said
}
