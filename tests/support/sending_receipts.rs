//! What a provider has received of a sending job, held against the source: its own books, and the bytes that came.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use serde_json::Value;
use tieout::digest::sha256;

use super::project::{DAY, TestProject};
use super::sending_project::{SendingWay, expected};

/// What stands at the provider, in numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Receipts {
    /// Transactions that fit and are not there.
    pub(crate) missing: BTreeSet<String>,
    /// Transactions under more than one event id.
    pub(crate) twice: usize,
    /// Rows that arrived more than once, always with the same id and the same content.
    pub(crate) repeated: usize,
    /// What must not be, in words.
    pub(crate) failures: Vec<String>,
}

impl Receipts {
    fn fail_unless(&mut self, holds: bool, words: impl FnOnce() -> String) {
        if !holds {
            self.failures.push(words());
        }
    }

    /// Looks at all that the provider has.
    pub(crate) fn of(project: &TestProject, way: SendingWay) -> Self {
        project.provider_idle();
        let mut receipts = Self::default();
        let lines = receipts.lines(project, way);
        let ids = receipts.told(&lines);
        receipts.books(project, &ids);
        match way {
            SendingWay::Upload => receipts.files(project),
            SendingWay::Incoming => {}
            SendingWay::Historical => receipts.sessions(project, &ids),
        }
        receipts
    }

    /// Every line that ever came, taken or not.
    fn lines(&mut self, project: &TestProject, way: SendingWay) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if way == SendingWay::Upload {
            return sealed_files(project)
                .values()
                .flat_map(|bytes| unfolded(bytes).lines().map(parse).collect::<Vec<_>>())
                .collect();
        }
        let mut lines = Vec::new();
        for request in project.received() {
            let is_part = request.path.ends_with("/transactions") || request.path.ends_with("/parts");
            if !is_part {
                continue;
            }
            let Some(body) = request.body else {
                // Of what broke off nothing is known, and nothing was taken.
                self.fail_unless(request.body_bytes.is_none(), || "a body too long to be kept".to_owned());
                continue;
            };
            let body = parse(&body);
            let data = body["data"].as_array().cloned().unwrap_or_default();
            self.fail_unless((1..=500).contains(&data.len()), || format!("a call of {} rows", data.len()));
            lines.extend(data);
        }
        lines
    }

    /// Each line says what the source says, under one id. Gives transaction → event id.
    fn told(&mut self, lines: &[Value]) -> BTreeMap<String, String> {
        let expected = expected();
        let mut ids = BTreeMap::<String, BTreeSet<String>>::new();
        for line in lines {
            let (id, says) = (line["id"].as_str().unwrap_or_default(), &line["attributes"]);
            let transaction = says["transactionId"].as_str().unwrap_or_default();
            ids.entry(transaction.to_owned()).or_default().insert(id.to_owned());
            let right = expected.get(transaction).is_some_and(|wanted| {
                wanted.as_object().is_some_and(|wanted| wanted.iter().all(|(field, value)| &says[field] == value))
            });
            self.fail_unless(right, || format!("not what the source says: {line}"));
        }
        let twice = ids.values().filter(|ids| ids.len() > 1).count();
        self.twice = twice;
        self.fail_unless(twice == 0, || format!("{twice} transactions stand under two ids"));
        self.missing = expected.into_keys().filter(|transaction| !ids.contains_key(transaction)).collect();
        ids.into_iter().filter_map(|(transaction, ids)| Some((transaction, ids.into_iter().next()?))).collect()
    }

    /// The provider's own books: every event is one of ours, and never says anything else.
    fn books(&mut self, project: &TestProject, ids: &BTreeMap<String, String>) {
        let ingested = project.provider().ingested();
        let mut found = 0;
        for (transaction, id) in ids {
            match ingested.get(id) {
                None => drop(self.missing.insert(transaction.clone())),
                Some(event) => {
                    found += 1;
                    self.repeated += usize::from(event.times > 1);
                    self.fail_unless(event.other_content == 0, || format!("{transaction} says two things: {event:?}"));
                }
            }
        }
        self.fail_unless(ingested.len() == found, || format!("{} events, {found} of them ours", ingested.len()));
    }

    /// Each file came over one session, and every PUT that came whole had the sealed bytes.
    fn files(&mut self, project: &TestProject) {
        let sealed = sealed_files(project);
        let digests: BTreeMap<String, &str> =
            sealed.iter().map(|(name, bytes)| (sha256(bytes), name.as_str())).collect();
        let mut stored = BTreeMap::<String, usize>::new();
        for session in project.provider().uploads() {
            let Some(object) = session.object else { continue };
            *stored.entry(session.filename.clone()).or_default() += 1;
            let name = digests.get(object.sha256.as_str()).copied();
            let own = name == Some(session.filename.as_str());
            self.fail_unless(own, || format!("{} holds the bytes of {name:?}", session.filename));
            for result in &session.results {
                let whole = result.rejected == 0 && result.unreadable.is_none() && result.gzip_members == 1;
                self.fail_unless(whole, || format!("{}: {result:?}", session.filename));
            }
        }
        let once: BTreeMap<String, usize> = sealed.keys().map(|name| (name.clone(), 1)).collect();
        self.fail_unless(stored == once, || format!("sessions with an object, by file: {stored:?}"));
    }

    /// Each user has one session with parts, which is complete; no other was completed.
    fn sessions(&mut self, project: &TestProject, ids: &BTreeMap<String, String>) {
        let mut wanted = BTreeMap::<String, BTreeSet<&str>>::new();
        for (transaction, row) in expected() {
            let user = row["userId"].as_str().unwrap_or_default().to_owned();
            let id = ids.get(&transaction).filter(|_| !self.missing.contains(&transaction));
            wanted.entry(user).or_default().extend(id.map(String::as_str));
        }
        let all = project.provider().sessions();
        for (user, rows) in wanted {
            let mut with_parts = all.iter().filter(|session| session.user == user && session.parts > 0);
            let (Some(session), None) = (with_parts.next(), with_parts.next()) else {
                self.failures.push(format!("{user} has not one session with parts: {all:?}"));
                continue;
            };
            let items: BTreeSet<&str> = session.items.keys().map(String::as_str).collect();
            self.fail_unless(items == rows, || format!("{user}: {} rows, {} came", rows.len(), items.len()));
            self.fail_unless(session.completed > 0, || format!("the session of {user} is not complete"));
        }
        let empty = all.iter().filter(|session| session.parts == 0);
        let completed = empty.filter(|session| session.completed > 0).count();
        self.fail_unless(completed == 0, || format!("{completed} sessions without parts were completed"));
    }
}

/// Name → bytes of the sealed bulk files.
fn sealed_files(project: &TestProject) -> BTreeMap<String, Vec<u8>> {
    let listed = project.listing(&format!("runs/upload/{DAY}/outgoing"));
    let files = listed.iter().filter(|path| path.ends_with(".jsonl.gz") && !path.contains(".tmp-"));
    files.map(|path| (path.rsplit('/').next().unwrap_or_default().to_owned(), project.read(path))).collect()
}

fn unfolded(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}
