//! Tampering with the journal of effects by hand: every kind of it is found, and the one that needs an anchor is
//! found with one.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use tieout::digest::sha256;
use tieout::effects::{Anchor, Approver, Doubt, EffectKind, Event, Standing};
use tieout::journal::verify::SHOWN_FINDINGS;
use tieout::journal::{Journal, Verdict, Writer};

use crate::support::journal::{PLAN, Place, effect, plain, proposed};

/// Numbers that look random and are the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        // SplitMix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below `end`.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end).unwrap()).unwrap()
    }
}

const EFFECTS: usize = 8;

/// A journal of effects in different states, as a program leaves it when it ends.
async fn written() -> (Place, Anchor) {
    let place = Place::new();
    let journal = place.open().await;
    let (_lease, run) = place.begin(&journal).await;
    let effects: Vec<_> = (0..EFFECTS)
        .map(|number| {
            let kind = EffectKind::ALL[number % 2];
            effect(kind, &format!("t-{number}"), 1)
        })
        .collect();
    let by = Approver::Person { name: "robin".to_owned() };
    let following = [
        Event::Approved { plan: PLAN.to_owned(), by, comment: None },
        Event::InFlight { call: "call-1".to_owned(), body_sha256: "cd".repeat(32), session: None },
        Event::InDoubt { doubt: Doubt::NoReply, why: "no reply within 30 s".to_owned() },
    ];
    journal.append(Writer::Run(&run), &effects.iter().map(proposed).collect::<Vec<_>>()).await.unwrap();
    for (step, event) in following.into_iter().enumerate() {
        let events: Vec<_> =
            effects.iter().skip(2 * step + 1).map(|effect| (effect.id.clone(), event.clone())).collect();
        journal.append(Writer::Run(&run), &events).await.unwrap();
    }
    let anchor = journal.anchor().await.unwrap();
    assert!(journal.verify(std::slice::from_ref(&anchor)).await.unwrap().is_whole());
    journal.close().await.unwrap();
    (place, anchor)
}

/// Opens the file as somebody with a shell who has first removed what stands in the way.
async fn attacker(path: &Path) -> SqliteConnection {
    let mut connection = plain(path).await;
    let triggers = "DROP TRIGGER entries_are_kept; DROP TRIGGER entries_stay; DROP TRIGGER effects_are_kept;
                    PRAGMA synchronous = OFF";
    sqlx::raw_sql(triggers).execute(&mut connection).await.unwrap();
    connection
}

async fn run(connection: &mut SqliteConnection, sql: String) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn verified(path: &Path, anchors: &[Anchor]) -> Verdict {
    let journal = Journal::open_read_only(path).await.unwrap().unwrap();
    let verdict = journal.verify(anchors).await.unwrap();
    journal.close().await.unwrap();
    verdict
}

/// The column of a row as bytes.
async fn bytes(connection: &mut SqliteConnection, table: &str, column: &str, rowid: usize) -> Vec<u8> {
    let sql = format!("SELECT CAST({column} AS BLOB) FROM {table} WHERE rowid = {rowid}");
    sqlx::query(AssertSqlSafe(sql)).fetch_one(connection).await.unwrap().get(0)
}

/// Writes the bytes as a text, whatever they are.
async fn put(connection: &mut SqliteConnection, table: &str, column: &str, rowid: usize, bytes: &[u8]) {
    let sql = format!("UPDATE {table} SET {column} = CAST(?1 AS TEXT) WHERE rowid = {rowid}");
    sqlx::query(AssertSqlSafe(sql)).bind(bytes).execute(connection).await.unwrap();
}

/// Another byte in one place of a column.
async fn change_a_byte(connection: &mut SqliteConnection, dice: &mut Dice, table: &str, column: &str, rowid: usize) {
    let mut value = bytes(connection, table, column, rowid).await;
    let place = dice.below(value.len());
    value[place] ^= u8::try_from(1 + dice.below(255)).unwrap();
    put(connection, table, column, rowid, &value).await;
}

/// One random act of tampering; its kind.
async fn tamper(connection: &mut SqliteConnection, dice: &mut Dice, entries: usize) -> &'static str {
    let row = 1 + dice.below(entries);
    match dice.below(10) {
        0 => change_a_byte(connection, dice, "entries", "entry", row).await,
        1 => change_a_byte(connection, dice, "entries", "hash", row).await,
        2 => change_a_byte(connection, dice, "entries", "effect", row).await,
        3 => {
            let other = 1 + (row + dice.below(entries - 1)) % entries;
            swap(connection, row, other).await;
            return "swap two entries";
        }
        4 => {
            run(connection, format!("DELETE FROM entries WHERE sequence = {row}")).await;
            return "delete an entry";
        }
        5 => {
            run(connection, format!("DELETE FROM entries WHERE sequence >= {row}")).await;
            return "cut off the end";
        }
        6 => {
            rewrite_with_its_hash(connection, row).await;
            return "change an entry and make its hash anew";
        }
        7 => {
            let columns = [
                "provider",
                "organization",
                "kind",
                "transaction_id",
                "job",
                "period",
                "plan",
                "state",
                "standing",
                "last_hash",
                "id",
            ];
            let column = columns[dice.below(columns.len())];
            let effect = 1 + dice.below(EFFECTS);
            change_a_byte(connection, dice, "effects", column, effect).await;
            return "change where an effect stands";
        }
        8 => {
            run(connection, format!("DELETE FROM effects WHERE rowid = {}", 1 + dice.below(EFFECTS))).await;
            return "delete an effect";
        }
        _ => {
            insert_a_copy(connection, row, entries).await;
            return "insert an entry";
        }
    }
    "change a byte"
}

async fn swap(connection: &mut SqliteConnection, one: usize, other: usize) {
    run(
        connection,
        format!(
            "UPDATE entries SET sequence = 1000000 WHERE sequence = {one};
             UPDATE entries SET sequence = {one} WHERE sequence = {other};
             UPDATE entries SET sequence = {other} WHERE sequence = 1000000"
        ),
    )
    .await;
}

/// The plan gets another name in the entry, or the time another year, and the hash beside it is right again.
async fn rewrite_with_its_hash(connection: &mut SqliteConnection, row: usize) {
    let entry = String::from_utf8(bytes(connection, "entries", "entry", row).await).unwrap();
    let changed = entry.replacen("\"at\":\"20", "\"at\":\"19", 1);
    assert_ne!(entry, changed);
    put(connection, "entries", "hash", row, sha256(changed.as_bytes()).as_bytes()).await;
    put(connection, "entries", "entry", row, changed.as_bytes()).await;
}

/// A copy of an entry at the end, chained as the program would.
async fn insert_a_copy(connection: &mut SqliteConnection, row: usize, entries: usize) {
    let entry = String::from_utf8(bytes(connection, "entries", "entry", row).await).unwrap();
    let last = String::from_utf8(bytes(connection, "entries", "hash", entries).await).unwrap();
    let mut copy: tieout::effects::Entry = serde_json::from_str(&entry).unwrap();
    copy.sequence = u64::try_from(entries + 1).unwrap();
    copy.previous = last;
    let text = serde_json::to_string(&copy).unwrap();
    sqlx::query("INSERT INTO entries (sequence, effect, entry, hash) VALUES (?1, ?2, ?3, ?4)")
        .bind(i64::try_from(entries + 1).unwrap())
        .bind(copy.effect)
        .bind(&text)
        .bind(sha256(text.as_bytes()))
        .execute(connection)
        .await
        .unwrap();
}

/// One trial on a copy of the file: what was done, and whether it was found.
async fn trial(original: &Path, victim: &Path, seed: u64, entries: usize) -> (&'static str, bool) {
    std::fs::copy(original, victim).unwrap();
    let mut connection = attacker(victim).await;
    let act = tamper(&mut connection, &mut Dice(seed), entries).await;
    connection.close().await.unwrap();
    // No anchor: the standings alone give it away.
    (act, !verified(victim, &[]).await.is_whole())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_random_acts_of_tampering_every_one_is_found() {
    let (place, anchor) = written().await;
    let entries = usize::try_from(anchor.sequence).unwrap();
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let (original, victim) = (place.path(), place.folder.path().join(format!("victim-{worker}.db")));
            tokio::spawn(async move {
                let mut outcomes = Vec::new();
                for seed in (worker..1_000).step_by(4) {
                    let (act, found) = trial(&original, &victim, seed, entries).await;
                    outcomes.push((seed, act, found));
                }
                outcomes
            })
        })
        .collect();
    let mut trials: BTreeMap<&str, u32> = BTreeMap::new();
    let mut missed = Vec::new();
    for worker in workers {
        for (seed, act, found) in worker.await.unwrap() {
            *trials.entry(act).or_default() += 1;
            if !found {
                missed.push((seed, act));
            }
        }
    }
    assert_eq!(missed, [], "seeds of what was not found, of {trials:?}");
    assert_eq!(trials.values().sum::<u32>(), 1_000);
    assert!(trials.len() == 8 && trials.values().all(|times| *times > 50), "{trials:?}");
}

/// Removes the last entries, and writes the standings as the entries that are left make them.
async fn cut_off_cleanly(path: &Path, keep: i64) {
    let mut connection = attacker(path).await;
    let kept: Vec<(String, String)> =
        sqlx::query_as("SELECT entry, hash FROM entries WHERE sequence <= ?1 ORDER BY sequence")
            .bind(keep)
            .fetch_all(&mut connection)
            .await
            .unwrap();
    run(&mut connection, format!("DELETE FROM entries WHERE sequence > {keep}; DELETE FROM effects")).await;
    let mut standings: BTreeMap<String, (Standing, u64, String)> = BTreeMap::new();
    for (entry, hash) in kept {
        let entry: tieout::effects::Entry = serde_json::from_str(&entry).unwrap();
        let before = standings.get(&entry.effect).map(|(standing, ..)| standing);
        let after = tieout::effects::apply(before, &entry.effect, &entry.event, entry.at).unwrap();
        standings.insert(entry.effect, (after, entry.sequence, hash));
    }
    for (id, (standing, sequence, hash)) in standings {
        let effect = &standing.effect;
        sqlx::query("INSERT INTO effects VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")
            .bind(id)
            .bind(&effect.key.provider)
            .bind(&effect.key.organization)
            .bind(effect.key.kind.name())
            .bind(&effect.key.transaction)
            .bind(effect.opening)
            .bind(&effect.job)
            .bind(&effect.period)
            .bind(&standing.plan)
            .bind(standing.state.name())
            .bind(serde_json::to_string(&standing).unwrap())
            .bind(i64::try_from(sequence).unwrap())
            .bind(hash)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn an_end_that_is_cut_off_together_with_its_standings_is_found_by_an_anchor_and_by_nothing_else() {
    let (place, anchor) = written().await;
    let victim = place.folder.path().join("victim.db");
    let entries = i64::try_from(anchor.sequence).unwrap();
    for keep in 0..entries {
        std::fs::copy(place.path(), &victim).unwrap();
        cut_off_cleanly(&victim, keep).await;
        let without = verified(&victim, &[]).await;
        assert!(without.is_whole(), "keep {keep}: {:?}", without.findings);
        let with = verified(&victim, std::slice::from_ref(&anchor)).await;
        let told: Vec<_> = with.findings.iter().map(ToString::to_string).collect();
        let expected =
            format!("the end: the last entry is {keep}; an anchor knows entry {entries}, so the end was cut off");
        assert_eq!((told, with.anchors), (vec![expected], 1));
    }
}

#[tokio::test]
async fn an_anchor_of_another_journal_is_found_wherever_it_points() {
    let (place, anchor) = written().await;
    for sequence in [0, 1, anchor.sequence] {
        let other = Anchor { sequence, hash: "ab".repeat(32) };
        let verdict = verified(&place.path(), &[other, anchor.clone()]).await;
        assert_eq!((verdict.found, verdict.anchors), (1, 2), "{sequence}: {:?}", verdict.findings);
    }
}

#[tokio::test]
async fn each_difference_is_told_with_what_was_found_and_what_was_expected() {
    let (place, anchor) = written().await;
    let victim = place.folder.path().join("victim.db");
    let mut connection = plain(&place.path()).await;
    let hashes: Vec<String> =
        sqlx::query_scalar("SELECT hash FROM entries ORDER BY sequence").fetch_all(&mut connection).await.unwrap();
    let first = sqlx::query_scalar::<_, String>("SELECT id FROM effects WHERE rowid = 1");
    let first = first.fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let zeros = "0".repeat(64);
    let last = anchor.sequence;
    let table = [
        (
            "DELETE FROM entries WHERE sequence IN (9, 10)".to_owned(),
            vec![
                "entry 11: 2 before it missing; expected entry 9 here".to_owned(),
                format!("entry 11: it follows an entry of hash {}; expected {}", hashes[9], hashes[7]),
            ],
        ),
        (
            format!("UPDATE entries SET hash = '{zeros}' WHERE sequence = {last}"),
            vec![
                format!(
                    "entry {last}: its text has the hash {}; expected {zeros}, which stands beside it",
                    anchor.hash
                ),
                format!("entry {last}: it has the hash {zeros}; expected {}, as an anchor says", anchor.hash),
            ],
        ),
        (
            "UPDATE effects SET state = 'acknowledged', standing = json_set(standing, '$.state', 'acknowledged')
             WHERE rowid = 1"
                .to_owned(),
            vec![
                format!("effect {first}: `state` is `acknowledged`; expected `proposed`"),
                format!("effect {first}: `standing.state` is `\"acknowledged\"`; expected `\"proposed\"`"),
            ],
        ),
        (
            "DELETE FROM effects WHERE rowid = 1".to_owned(),
            vec![format!("effect {first}: it is not among the effects; expected it there as proposed")],
        ),
    ];
    for (sql, expected) in table {
        std::fs::copy(place.path(), &victim).unwrap();
        let mut connection = attacker(&victim).await;
        run(&mut connection, sql.clone()).await;
        connection.close().await.unwrap();
        let verdict = verified(&victim, std::slice::from_ref(&anchor)).await;
        let told: Vec<_> = verdict.findings.iter().map(ToString::to_string).collect();
        assert_eq!(told.iter().take(expected.len()).collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>(), "{sql}");
    }
}

#[tokio::test]
async fn many_findings_are_counted_and_the_first_twenty_told() {
    let (place, _) = written().await;
    let mut connection = attacker(&place.path()).await;
    run(&mut connection, "UPDATE entries SET hash = 'x'; UPDATE effects SET plan = 'y'".to_owned()).await;
    connection.close().await.unwrap();
    let verdict = verified(&place.path(), &[]).await;
    assert_eq!(verdict.findings.len(), SHOWN_FINDINGS);
    // Each entry has the wrong hash; each but the first follows another; each effect has another plan and last hash.
    assert_eq!(verdict.found, verdict.entries + verdict.entries - 1 + 2 * verdict.effects);
}
