//! From real bytes to breaks: neither the format of an input, nor the order of its rows, lines and
//! files, nor the way in which it writes its signs may change what is found.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use polars::prelude::{Column as Series, DataFrame, ParquetWriter};
use proptest::prelude::*;
use tieout::breaks::Break;
use tieout::frames::{Exclusion, Field, Frame, Side};
use tieout::job::{Format, Input, Sign, TimeFormat, Unit};
use tieout::matching::Rules;
use tieout::matching::side::Columns;

use crate::reading_support::{CSV, constant, json, ledger, map, message, quarantine, read, read_all};
use crate::support::engine::{case_count, compare};
use crate::support::frames::{frame, hour, row, rules};

/// The columns of a ledger that states everything.
const COLUMNS: [&str; 9] = ["id", "amount", "currency", "at", "status", "user", "last4", "reward", "way"];

fn wide(format: Format) -> Input {
    let mut input = ledger(format);
    for (field, column) in [
        (Field::Status, "status"),
        (Field::User, "user"),
        (Field::CardLastFour, "last4"),
        (Field::UserReward, "reward"),
        (Field::Direction, "way"),
    ] {
        map(&mut input, field, column);
    }
    input.mapping.fields.get_mut(&Field::UserReward).unwrap().unit = Unit::Major;
    input
}

/// One row of a ledger; amounts in cents, signed as inside.
#[derive(Debug, Clone)]
struct Booking {
    id: u8,
    amount: i64,
    reward: i64,
    currency: &'static str,
    hour: i64,
    status: &'static str,
    user: &'static str,
}

fn major(minor: i64, currency: &str) -> String {
    tieout::money::format_minor(i128::from(minor), tieout::money::exponent(currency).unwrap())
}

impl Booking {
    fn cells(&self, sign: Sign) -> [String; 9] {
        let written = |minor: i64| match sign {
            Sign::Signed => major(minor, self.currency),
            Sign::Inverted => major(-minor, self.currency),
            Sign::Unsigned => major(minor.abs(), self.currency),
        };
        let at = chrono::DateTime::from_timestamp_micros(hour(self.hour)).unwrap();
        let way = if self.amount < 0 { "CREDIT" } else { "DEBIT" };
        [
            format!("t{}", self.id),
            written(self.amount),
            self.currency.to_owned(),
            at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            self.status.to_owned(),
            self.user.to_owned(),
            "4321".to_owned(),
            written(self.reward),
            way.to_owned(),
        ]
    }
}

fn bookings() -> impl Strategy<Value = Vec<Booking>> {
    let booking = (
        0_u8..10,
        1_i64..4,
        prop::sample::select(vec!["USD", "JPY", "KWD"]),
        -2_i64..26,
        prop::sample::select(vec!["SETTLED", "APPROVED", "RETURNED", "REVERSED", "DECLINED", "NEW"]),
        prop::sample::select(vec!["u1", "u2"]),
    );
    let booking = booking.prop_map(|(id, units, currency, hour, status, user)| {
        let sign = if matches!(status, "RETURNED" | "REVERSED") { -1 } else { 1 };
        Booking { id, amount: sign * units * 505, reward: sign * units * 50, currency, hour, status, user }
    });
    prop::collection::vec(booking, 1..25)
}

fn csv(rows: &[Booking], sign: Sign) -> Vec<u8> {
    let mut text = COLUMNS.join(",") + "\n";
    for row in rows {
        writeln!(text, "{}", row.cells(sign).join(",")).unwrap();
    }
    text.into_bytes()
}

fn objects(rows: &[Booking]) -> Vec<String> {
    let object = |row: &Booking| {
        let members = COLUMNS.iter().zip(row.cells(Sign::Signed)).map(|(name, cell)| {
            // Amounts as numbers, the rest as text.
            if matches!(*name, "amount" | "reward") {
                format!("\"{name}\":{cell}")
            } else {
                format!("\"{name}\":\"{cell}\"")
            }
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    };
    rows.iter().map(object).collect()
}

fn parquet(rows: &[Booking]) -> Vec<u8> {
    let cells: Vec<[String; 9]> = rows.iter().map(|row| row.cells(Sign::Signed)).collect();
    let column = |(index, name): (usize, &&str)| {
        Series::new((*name).into(), cells.iter().map(|row| row[index].clone()).collect::<Vec<_>>())
    };
    let mut frame = DataFrame::new(rows.len(), COLUMNS.iter().enumerate().map(column).collect()).unwrap();
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).unwrap();
    bytes
}

/// The breaks against a file of a few purchases, without the places of rows.
fn found(ledger: &Frame) -> Vec<Break> {
    let file: Vec<_> = (0..6).map(|id| row(&format!("t{id}")).amount(505).reward(50)).collect();
    let rules = Rules { sides: vec![Side::File, Side::Ledger], ..rules() };
    let mut breaks = compare(&rules, &[frame(Side::File, &file), ledger.clone()]).expect("ties out").breaks();
    for side in breaks.iter_mut().flat_map(|found| &mut found.sides).flatten() {
        side.to_mut().rows.clear();
    }
    breaks
}

proptest! {
    #![proptest_config(ProptestConfig { cases: case_count(48), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_format_of_a_ledger_gives_the_same_breaks(rows in bookings()) {
        let expected = found(&read(&wide(CSV), &csv(&rows, Sign::Signed)).unwrap());
        let signed = |format: Format, bytes: &[u8]| {
            let mut input = wide(format);
            input.mapping.sign = Sign::Signed;
            found(&read(&input, bytes).unwrap())
        };
        prop_assert_eq!(&signed(Format::Jsonl, objects(&rows).join("\n").as_bytes()), &expected);
        let document = format!("{{\"data\":[{}]}}", objects(&rows).join(","));
        prop_assert_eq!(&signed(json("data"), document.as_bytes()), &expected);
        prop_assert_eq!(&signed(Format::Parquet, &parquet(&rows)), &expected);
    }

    #[test]
    fn every_way_to_write_a_sign_gives_the_same_breaks(rows in bookings()) {
        let of = |sign: Sign| {
            let mut input = wide(CSV);
            input.mapping.sign = sign;
            found(&read(&input, &csv(&rows, sign)).unwrap())
        };
        prop_assert_eq!(of(Sign::Signed), of(Sign::Inverted));
        prop_assert_eq!(of(Sign::Signed), of(Sign::Unsigned));
    }

    #[test]
    fn rows_in_any_order_and_in_any_number_of_files_give_the_same_breaks(
        (rows, shuffled) in bookings().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = found(&read(&wide(CSV), &csv(&rows, Sign::Signed)).unwrap());
        let (first, second) = shuffled.split_at(cut.index(shuffled.len()));
        let (first, second) = (csv(first, Sign::Signed), csv(second, Sign::Signed));
        let files = |names: [(&str, &Vec<u8>); 3]| {
            read_all(&wide(CSV), &names.map(|(name, bytes)| (name, bytes.as_slice())), None).unwrap()
        };
        // The first file comes twice: it counts once.
        prop_assert_eq!(&found(&files([("a", &first), ("b", &second), ("c", &first)])), &whole);
        prop_assert_eq!(&found(&files([("a", &second), ("b", &first), ("c", &first)])), &whole);
    }

    #[test]
    fn notifications_in_any_order_and_repeated_give_the_same_breaks(
        lines in prop::collection::vec((0_u8..3, 0_u8..4, 0_usize..4, 0_i64..24), 1..12)
            .prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
    ) {
        let (lines, shuffled) = lines;
        let of = |lines: &[(u8, u8, usize, i64)]| {
            let text: Vec<String> = lines.iter().map(|(event, id, kind, hour)| notification(*event, *id, *kind, *hour)).collect();
            let log = read_all(&log(), &[("log", text.join("\n").as_bytes())], None).unwrap();
            let ledger = [row("t0"), row("t1").at(hour(21)), row("t2").status("APPROVED")];
            let frames = [frame(Side::File, &[row("t0")]), frame(Side::Ledger, &ledger), log];
            let mut breaks = compare(&rules(), &frames).expect("ties out").breaks();
            for side in breaks.iter_mut().flat_map(|found| &mut found.sides).flatten() {
                side.to_mut().rows.clear();
            }
            breaks
        };
        prop_assert_eq!(of(&lines), of(&shuffled));
    }
}

pub(crate) fn log() -> Input {
    let mut input = ledger(Format::WebhookLog);
    input.side = Side::Webhooks;
    input.mapping.fields = BTreeMap::new();
    map(&mut input, Field::TransactionId, "transaction");
    map(&mut input, Field::EventId, "id");
    map(&mut input, Field::EventKind, "type");
    map(&mut input, Field::Status, "type");
    map(&mut input, Field::UserReward, "reward");
    map(&mut input, Field::OccurredAt, "envelope.received_at");
    constant(&mut input, Field::Currency, "USD");
    let words = ["SETTLED", "APPROVED", "FAILED", "CLAWBACK"].map(|word| (word.to_owned(), word.to_owned()));
    input.mapping.statuses = words.into();
    input
}

pub(crate) fn notification(event: u8, transaction: u8, kind: usize, at: i64) -> String {
    let kind = ["SETTLED", "APPROVED", "FAILED", "CLAWBACK"][kind];
    let at = chrono::DateTime::from_timestamp_micros(hour(at)).unwrap().to_rfc3339();
    let body = format!(r#"{{"id":"e{event}","type":"{kind}","transaction":"t{transaction}","reward":100}}"#);
    serde_json::json!({"received_at": at, "body": body}).to_string()
}

#[test]
fn of_a_repeated_notification_the_one_received_first_counts_wherever_it_stands() {
    let (early, late) = (notification(1, 9, 0, 3), notification(1, 9, 0, 22));
    for lines in [[&early, &late], [&late, &early]] {
        let log = read_all(&log(), &[("log", format!("{}\n{}", lines[0], lines[1]).as_bytes())], None).unwrap();
        let columns = Columns::of(&log);
        let codes: Vec<u32> = columns.numbered().map(|(_, row)| row.excluded()).collect();
        let kept = columns.counted().next().unwrap();
        assert_eq!(columns.number(Field::OccurredAt, kept), Some(hour(3)));
        assert_eq!(codes.iter().filter(|code| **code == Exclusion::RepeatedNotification as u32).count(), 1);
    }
}

#[test]
fn rows_that_do_not_state_the_job_s_key_are_no_key_together() {
    let mut input = wide(CSV);
    input.key = Field::User;
    input.quarantine_limit = 5;
    let text = "id,amount,currency,at,status,user,last4,reward,way\n\
        a,1,USD,2025-03-19T10:00:00Z,SETTLED,,4321,0,DEBIT\n\
        b,2,USD,2025-03-19T10:00:00Z,SETTLED,u,4321,0,DEBIT\n\
        c,3,USD,2025-03-19T10:00:00Z,SETTLED,  ,4321,0,DEBIT\n";
    let frame = read(&input, text.as_bytes()).unwrap();
    let expected = [
        "ledger.csv:2 user ``: is empty; every row needs the job's key",
        "ledger.csv:4 user ``: is empty; every row needs the job's key",
    ];
    assert_eq!(quarantine(&frame), expected);
}

/// A card number in every way that people write one.
const CARDS: [&str; 8] = [
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4111.1111.1111.1111",
    "4111_1111_1111_1111",
    "4111  1111  1111  1111",
    "4111\u{a0}1111\u{a0}1111\u{a0}1111",
    "４１１１１１１１１１１１１１１１",
];

#[test]
fn a_card_number_is_never_shown_in_full_by_what_could_not_be_read() {
    let digits = |text: &str| text.chars().filter_map(|c| c.to_digit(10).or((c >= '０').then_some(0))).count();
    for card in CARDS {
        for column in ["id", "amount", "currency", "at"] {
            let mut input = ledger(CSV);
            input.quarantine_limit = 5;
            let cell = |name: &str, plain: &str| if name == column { card.to_owned() } else { plain.to_owned() };
            let row = [cell("id", ""), cell("amount", "1.234"), cell("currency", "usd"), cell("at", "")].join(",");
            let frame = read(&input, format!("id,amount,currency,at\n{row}\nragged {card}\n").as_bytes()).unwrap();
            for told in &frame.quarantine {
                assert!(digits(&told.value) <= 8, "{card} as {column}: {}", told.value);
            }
            assert_eq!(frame.quarantine.len(), 2, "{card} as {column}");
        }
        let headless = message(read(&ledger(CSV), format!("{card},5.00,USD\n").as_bytes()));
        assert!(!headless.contains(card), "{headless}");
        let twice = message(read(&ledger(CSV), format!("id,{card},{card}\n").as_bytes()));
        assert!(!twice.contains(card), "{twice}");
        let mut known = ledger(CSV);
        known.known_columns = Some(Vec::new());
        let drift = read(&known, format!("id,amount,currency,at,{card}\n").as_bytes()).unwrap();
        assert!(drift.warnings.iter().all(|warning| !warning.message.contains(card)), "{:?}", drift.warnings);
    }
}

#[test]
fn times_and_amounts_that_could_not_be_read_stay_readable() {
    let mut input = ledger(CSV);
    input.quarantine_limit = 5;
    let text =
        "id,amount,currency,at\na,1,USD,19.03.2025 10:00\nb,\"1,234.50\",USD,\nc,12.345678,USD,\nd,1,USD,2025-03-19\n";
    let shown: Vec<String> =
        read(&input, text.as_bytes()).unwrap().quarantine.into_iter().map(|row| row.value).collect();
    assert_eq!(shown, ["19.03.2025 10:00", "1,234.50", "12.345678", "2025-03-19"]);
}

#[test]
fn a_minus_that_counts_for_nothing_is_told() {
    let mut input = wide(CSV);
    input.mapping.sign = Sign::Unsigned;
    let text = "id,amount,currency,at,status,user,last4,reward,way\n\
        a,-1,USD,2025-03-19T10:00:00Z,SETTLED,u,4321,-1,DEBIT\n\
        b,-1,USD,2025-03-19T10:00:00Z,RETURNED,u,4321,0,CREDIT\n";
    let frame = read(&input, text.as_bytes()).unwrap();
    let told: Vec<&str> = frame.warnings.iter().map(|warning| warning.message.as_str()).collect();
    let expected = "ledger.csv writes 2 amounts with a minus that count as positive, since nothing says that they \
        came back; if the minus means something, set `inputs.ledger.sign`";
    assert_eq!(told, [expected]);
    input.mapping.sign = Sign::Signed;
    assert_eq!(read(&input, text.as_bytes()).unwrap().warnings, []);
}

#[test]
fn a_year_beyond_all_calendars_is_unreadable_and_ends_in_no_panic() {
    for text in ["+262142-12-31 23:59", "-262143-01-01 00:00", "+10000-01-01 00:00"] {
        let mut input = ledger(CSV);
        input.quarantine_limit = 1;
        let zone = Some(chrono_tz::America::New_York);
        let pattern = "%Y-%m-%d %H:%M".to_owned();
        input.mapping.fields.get_mut(&Field::OccurredAt).unwrap().time = TimeFormat::Pattern { pattern, zone };
        let frame = read(&input, format!("id,amount,currency,at\na,1,USD,{text}\n").as_bytes()).unwrap();
        assert_eq!(frame.quarantine[0].reason, "lies outside of the years 1 to 9999", "{text}");
    }
}

#[test]
fn a_status_may_be_written_in_any_case_in_a_job() {
    let tieout_yaml = "state: sqlite:state.db\nartifacts: runs\n";
    let job = "job: daily\nperiod: {grain: day, timezone: UTC}\ninputs:\n  file: {path: f.csv, columns: {transaction_id: id, currency: c, status: s}, statuses: {void: declined}}\n  ledger: {path: l.csv, columns: {transaction_id: id, currency: c}}\nmatch: {key: transaction_id, compare: {currency: exact}}\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("jobs")).unwrap();
    std::fs::write(folder.path().join("tieout.yaml"), tieout_yaml).unwrap();
    std::fs::write(folder.path().join("jobs/daily.yaml"), job).unwrap();
    let project = tieout::project::Project::load(folder.path()).unwrap();
    let job = tieout::job::load(&project, "daily").unwrap();
    assert_eq!(job.inputs()[0].mapping.statuses["void"], "DECLINED");
}

#[test]
fn what_could_be_read_of_an_unreadable_row_is_in_the_totals_and_leaves_them_again() {
    let mut input = wide(CSV);
    input.mapping.sign = Sign::Signed;
    input.quarantine_limit = 1;
    let text = "id,amount,currency,at,status,user,last4,reward,way\n\
        t0,5.05,USD,2025-03-19T12:00:00Z,SETTLED,user-1,4321,0.50,DEBIT\n\
        t1,7.00,USD,yesterday,SETTLED,user-1,4321,0.70,DEBIT\n";
    let rules = Rules { sides: vec![Side::File, Side::Ledger], ..rules() };
    let frames = [frame(Side::File, &[row("t0").amount(505).reward(50)]), read(&input, text.as_bytes()).unwrap()];
    let statement = compare(&rules, &frames).expect("ties out").statement;
    let told: Vec<_> = statement
        .bridges
        .iter()
        .map(|bridge| (bridge.left_total_minor, &bridge.lines[0].label, bridge.lines[0].amount_minor))
        .collect();
    let label = "quarantined: rows of ledger that could not be read".to_owned();
    assert_eq!(told, [(1_205, &label, -700), (120, &label, -70)]);
    assert_eq!(statement.rows[1].quarantined, 1);
}
