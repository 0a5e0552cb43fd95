//! Canonical values: signs, times and clock changes, cards, statuses, and the job's selection.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

use tieout::frames::{Field, FieldType};
use tieout::job::{Input, Sign, TimeFormat, Unit};

use crate::reading_support::{CSV, ledger, map, numbers, quarantine, read, rows};

fn wide(fields: &[Field]) -> Input {
    let mut input = ledger(CSV);
    input.mapping.fields.remove(&Field::OccurredAt);
    for field in fields {
        map(&mut input, *field, field.name());
        if field.kind() == FieldType::Minor {
            input.mapping.fields.get_mut(field).unwrap().unit = Unit::Major;
        }
    }
    input.quarantine_limit = 100;
    input
}

#[test]
fn the_sign_means_what_the_job_says() {
    let cases = [
        (Sign::Signed, "DEBIT", "SETTLED", "-5", -500, 100),
        (Sign::Signed, "CREDIT", "RETURNED", "5", 500, 100),
        (Sign::Inverted, "DEBIT", "SETTLED", "-5", 500, -100),
        (Sign::Inverted, "CREDIT", "RETURNED", "5", -500, -100),
        (Sign::Unsigned, "DEBIT", "SETTLED", "5", 500, 100),
        (Sign::Unsigned, "DEBIT", "SETTLED", "-5", 500, 100),
        (Sign::Unsigned, "credit", "SETTLED", "5", -500, -100),
        (Sign::Unsigned, "", "returned", "5", -500, -100),
        (Sign::Unsigned, "DEBIT", "void", "-5", -500, -100),
        (Sign::Unsigned, "DEBIT", "CLAWBACK", "5", -500, -100),
    ];
    for (sign, direction, status, amount, minor, reward) in cases {
        let mut input = wide(&[Field::Direction, Field::Status, Field::UserReward]);
        input.mapping.sign = sign;
        input.mapping.statuses.insert("void".to_owned(), "REVERSED".to_owned());
        let text = format!("id,amount,currency,direction,status,user_reward\na,{amount},USD,{direction},{status},1\n");
        let frame = read(&input, text.as_bytes()).unwrap();
        let row = rows(&frame).concat();
        assert!(row.contains(&format!(" amount={minor} ")), "{sign:?} {direction} {status} {amount}: {row}");
        assert!(row.ends_with(&format!(" user_reward={reward}")), "{sign:?} {direction} {status}: {row}");
    }
}

#[test]
fn the_sign_of_the_smallest_number_cannot_be_turned() {
    for (sign, readable) in [(Sign::Signed, 1), (Sign::Inverted, 0), (Sign::Unsigned, 0)] {
        let mut input = wide(&[]);
        input.mapping.sign = sign;
        let frame = read(&input, b"id,amount,currency\na,-92233720368547758.08,USD\n").unwrap();
        assert_eq!((frame.rows.height(), frame.quarantine.len()), (readable, 1 - readable), "{sign:?}");
    }
}

fn time(format: &TimeFormat, text: &str) -> Result<i64, String> {
    let mut input = wide(&[Field::OccurredAt]);
    input.mapping.fields.get_mut(&Field::OccurredAt).unwrap().time = format.clone();
    let frame = read(&input, format!("id,amount,currency,occurred_at\na,1,USD,\"{text}\"\n").as_bytes()).unwrap();
    match frame.quarantine.first() {
        Some(row) => Err(row.reason.clone()),
        None => Ok(numbers(&frame, Field::OccurredAt)[0].unwrap()),
    }
}

#[test]
fn times_are_read_in_the_form_and_zone_of_the_job() {
    let new_york = Some(chrono_tz::America::New_York);
    let local = TimeFormat::Iso { zone: new_york };
    let bare = TimeFormat::Iso { zone: None };
    let pattern = |pattern: &str| TimeFormat::Pattern { pattern: pattern.to_owned(), zone: new_york };
    let ten = 1_742_378_400_000_000; // 2025-03-19T10:00:00Z
    let cases = [
        (bare.clone(), "2025-03-19T10:00:00Z", ten),
        (bare.clone(), "2025-03-19t10:00z", ten),
        (bare.clone(), "2025-03-19 05:30:00.000001-0430", ten + 1),
        (bare.clone(), "2025-03-19T11:00:00.1234567+01", ten + 123_456),
        (local.clone(), "2025-03-19T06:00:00", ten),
        (local.clone(), "2025-03-19", ten - 6 * 3_600_000_000),
        (local.clone(), "2025-03-19T10:00:00Z", ten),
        (pattern("%d/%m/%Y %H:%M"), "19/03/2025 06:00", ten),
        (pattern("%d/%m/%Y %H:%M %z"), "19/03/2025 10:00 +0000", ten),
        (pattern("%Y%m%d"), "20250319", ten - 6 * 3_600_000_000),
        (TimeFormat::EpochSeconds, "1742378400", ten),
        (TimeFormat::EpochSeconds, "1742378400.5", ten + 500_000),
        (TimeFormat::EpochMillis, "1742378400001", ten + 1_000),
    ];
    for (format, text, micros) in cases {
        assert_eq!(time(&format, text), Ok(micros), "{text} as {format:?}");
    }
}

#[test]
fn a_time_that_does_not_exist_or_exists_twice_is_told_apart_from_a_wrong_one() {
    let new_york = Some(chrono_tz::America::New_York);
    let local = TimeFormat::Iso { zone: new_york };
    let bare = TimeFormat::Iso { zone: None };
    let gap = "does not exist in America/New_York (clocks go forward); expected a time with an offset";
    let twice = "exists twice in America/New_York (clocks go back); expected a time with an offset";
    let wrong = "is no time such as 2025-03-19T14:05:00Z";
    let pattern = TimeFormat::Pattern { pattern: "%Y-%m-%d %H:%M".to_owned(), zone: new_york };
    let range = "lies outside of the years 1970 to 9999 as a number of seconds since 1970";
    let cases = [
        (&local, "2025-03-09T02:30:00", gap),
        (&local, "2025-11-02T01:30:00", twice),
        (&pattern, "2025-03-09 02:30", gap),
        (&pattern, "2025-11-02 01:30", twice),
        (&pattern, "19.3.2025", "is no time of the form `%Y-%m-%d %H:%M`"),
        (&bare, "2025-03-19T10:00:00", "has no offset, and the job states no `timezone` for it"),
        (&bare, "2025-03-19", "has no offset, and the job states no `timezone` for it"),
        (&bare, "2025-02-30T10:00:00Z", wrong),
        (&bare, "2025-03-19T25:00:00Z", wrong),
        (&bare, "2025-03-19T10:00:00 Z", wrong),
        (&bare, "19.03.2025", wrong),
        (&bare, "2025-03-1\u{664}", wrong),
        (&TimeFormat::EpochSeconds, "1742378400000", range),
        (&TimeFormat::EpochSeconds, "-1", range),
        (&TimeFormat::EpochSeconds, "1e9", "is no number of seconds since 1970"),
    ];
    for (format, text, told) in cases {
        assert_eq!(time(format, text), Err(told.to_owned()), "{text} as {format:?}");
    }
    assert!(time(&TimeFormat::Iso { zone: Some(chrono_tz::Africa::Cairo) }, "2025-04-25").is_ok());
}

#[test]
fn a_whole_card_number_gets_no_further_than_the_parser() {
    let input = wide(&[Field::CardFirstSix, Field::CardLastFour]);
    let text = "id,amount,currency,card_first_six,card_last_four\n\
        a,1,USD,4111 1111 1111 1234,4111111111111234\n\
        b,1,USD,411111,0034\n\
        c,1,USD,411111******1234,XXXX-1234\n\
        d,1,USD,****,\n";
    let expected = [
        "2/0: transaction_id=a amount=100 currency=USD card_first_six=411111 card_last_four=1234",
        "3/0: transaction_id=b amount=100 currency=USD card_first_six=411111 card_last_four=0034",
        "4/0: transaction_id=c amount=100 currency=USD card_first_six=411111 card_last_four=1234",
        "5/0: transaction_id=d amount=100 currency=USD",
    ];
    assert_eq!(rows(&read(&input, text.as_bytes()).unwrap()), expected);
}

#[test]
fn words_are_folded_and_blanks_are_nothing() {
    let mut input = wide(&[Field::Status, Field::PaymentStatus, Field::PayoutMonth, Field::User]);
    input.mapping.statuses.insert("posted".to_owned(), "SETTLED".to_owned());
    let text = "id,amount,currency,status,payment_status,payout_month,user\n \
        a ,1,usd, posted ,pending,2025-04-15T00:00:00Z,  \n\
        b,,USD,Posted,PAID_IN_FULL,2025-04,u\n\
        c,1,USD,,odd,Q2,\n";
    let expected = [
        "2/0: transaction_id=a amount=100 currency=USD status=SETTLED payment_status=UNPAID payout_month=2025-04",
        "3/0: transaction_id=b user=u currency=USD status=POSTED payment_status=PAID_IN_FULL payout_month=2025-04",
        "4/0: transaction_id=c amount=100 currency=USD payment_status=odd payout_month=Q2",
    ];
    let frame = read(&input, text.as_bytes()).unwrap();
    assert_eq!(rows(&frame), expected);
    assert_eq!(quarantine(&frame), [""; 0]);
}

#[test]
fn rows_that_the_job_does_not_select_stay_and_are_marked() {
    let mut input = wide(&[Field::Status]);
    input.mapping.only.insert(Field::Status, vec!["SETTLED".to_owned(), "RETURNED".to_owned()]);
    let frame = read(&input, b"id,amount,currency,status\na,1,USD,settled\nb,1,USD,APPROVED\nc,1,USD,\n").unwrap();
    let marks: Vec<String> = rows(&frame).iter().map(|row| row[..3].to_owned()).collect();
    assert_eq!(marks, ["2/0", "3/1", "4/1"]);
}
