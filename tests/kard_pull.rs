//! Which files of a provider's list become a period's input, and what is stored of them.

use chrono::TimeDelta;
use proptest::prelude::*;
use tieout::exit::ExitCode;
use tieout::job::{FileType, Grain};
use tieout::sources::provider::{Pulled, belongs, file_stem, pull};
use tieout::sources::{Origin, RawFile};

use crate::support::{Rig, Sample, day, utc};

const TEMPLATE: &str = "cardlinked-reconciliation-{yymmdd}";
const NAME: &str = "cardlinked-reconciliation-250319.json";

async fn pull_day(rig: &Rig, template: &str, known: &[RawFile]) -> Pulled {
    let kind = FileType::EarnedRewardSettledDaily;
    pull(&rig.client, "kard", kind, template, &day("2025-03-19"), &rig.store, known).await.unwrap()
}

fn downloads(rig: &Rig) -> usize {
    rig.requests().iter().filter(|line| line.starts_with("GET /presigned/")).count()
}

#[test]
fn a_name_belongs_to_the_period_it_spells_and_no_other() {
    let month = tieout::period::Period { label: "2025-03".into(), grain: Grain::Month, ..day("2025-03-01") };
    assert_eq!(file_stem("cardlinked-reconciliation-{yymm}", &month), "cardlinked-reconciliation-2503");
    assert_eq!(file_stem(TEMPLATE, &day("2025-03-19")), "cardlinked-reconciliation-250319");
    assert_eq!(file_stem("x-{period}", &day("2025-03-19")), "x-2025-03-19");
    let table = [
        ("cardlinked-reconciliation-2503", true),
        ("cardlinked-reconciliation-2503.csv", true),
        ("cardlinked-reconciliation-2503-b.csv", true),
        ("cardlinked-reconciliation-250319.json", false),
        ("cardlinked-reconciliation-250", false),
        ("cardlinked-reconciliation-2504.csv", false),
        ("x-cardlinked-reconciliation-2503.csv", false),
        ("", false),
    ];
    for (name, expected) in table {
        assert_eq!(belongs(name, "cardlinked-reconciliation-2503"), expected, "{name}");
    }
}

proptest! {
    #[test]
    fn a_day_never_takes_the_file_of_another_day(a in 0_i64..20_000, b in 0_i64..20_000, rest in "[^0-9].{0,10}") {
        let day_of = |days: i64| day(&(utc("1990-01-01T00:00:00Z") + TimeDelta::days(days)).format("%Y-%m-%d").to_string());
        let stem = file_stem("r-{period}", &day_of(a));
        let name = file_stem("r-{period}", &day_of(b)) + &rest;
        prop_assert_eq!(belongs(&name, &stem), a == b);
    }
}

#[tokio::test]
async fn only_the_files_of_the_period_and_the_type_are_downloaded() {
    let mut other_type = Sample::daily("f-2", NAME, b"other type");
    other_type.kind = FileType::EarnedRewardApprovedDaily;
    let samples = [
        Sample::daily("f-1", NAME, b"mine"),
        other_type,
        Sample::daily("f-3", "cardlinked-reconciliation-250318.json", b"the day before"),
        Sample::daily("f-4", "cardlinked-reconciliation-2503190.json", b"one more digit"),
    ];
    let rig = Rig::start(&samples, "").await;
    let pulled = pull_day(&rig, TEMPLATE, &[]).await;
    let [file] = pulled.files.as_slice() else { panic!("one file: {:?}", pulled.files) };
    let origin = Origin::Provider {
        provider: "kard".into(),
        file_id: "f-1".into(),
        file_type: "earnedRewardSettledDailyReconciliationFile".into(),
        sent_at: utc("2025-03-20T00:10:00Z"),
        last_modified: utc("2025-03-20T00:10:00Z"),
    };
    assert_eq!((&file.origin, file.name.as_str(), file.bytes), (&origin, NAME, 4));
    assert_eq!(std::fs::read(&file.stored).unwrap(), b"mine");
    assert_eq!(file.sha256, "3fd30542fe3f61b14bd4a4b2dc0b6fb30fa6f63ebce52dd1778aaa8c4dc02cff");
    assert_eq!(downloads(&rig), 1);
    assert!(pulled.warnings.is_empty() && pulled.reused == 0);
    assert!(pulled.clock_skew.unwrap().abs() <= TimeDelta::seconds(5));
}

#[tokio::test]
async fn no_file_yet_is_no_error() {
    let rig = Rig::start(&[Sample::daily("f-3", "cardlinked-reconciliation-250318.json", b"x")], "").await;
    let pulled = pull_day(&rig, TEMPLATE, &[]).await;
    assert!(pulled.files.is_empty() && pulled.warnings.is_empty());
}

#[tokio::test]
async fn what_is_known_and_unchanged_is_not_downloaded_again() {
    let rig = Rig::start(
        &[Sample::daily("f-1", NAME, b"one"), Sample::daily("f-2", "cardlinked-reconciliation-250319-b", b"two")],
        "",
    )
    .await;
    let first = pull_day(&rig, TEMPLATE, &[]).await;
    assert_eq!((first.files.len(), first.reused, downloads(&rig)), (2, 0, 2));
    let second = pull_day(&rig, TEMPLATE, &first.files).await;
    assert_eq!((&second.files, second.reused, downloads(&rig)), (&first.files, 2, 2));

    // The bytes are gone: downloaded again. The bytes are cut: the same.
    std::fs::remove_file(&first.files[0].stored).unwrap();
    std::fs::write(&first.files[1].stored, b"t").unwrap();
    let third = pull_day(&rig, TEMPLATE, &first.files).await;
    assert_eq!((&third.files, third.reused, downloads(&rig)), (&first.files, 0, 4));
    assert_eq!(std::fs::read(&third.files[1].stored).unwrap(), b"two");

    // Another provider's file of the same id is another file; so is one modified since.
    let mut strangers = first.files.clone();
    for (number, file) in strangers.iter_mut().enumerate() {
        let Origin::Provider { provider, last_modified, .. } = &mut file.origin else { panic!("from a provider") };
        if number == 0 { *provider = "another".into() } else { *last_modified -= TimeDelta::seconds(1) }
    }
    let fourth = pull_day(&rig, TEMPLATE, &strangers).await;
    assert_eq!((fourth.reused, downloads(&rig)), (0, 6));
}

#[tokio::test]
async fn of_one_name_with_different_bytes_the_last_modified_counts_and_the_other_is_named() {
    let mut corrected = Sample::daily("f-2", NAME, b"corrected");
    corrected.last_modified += TimeDelta::hours(5);
    let mut repeated = corrected.clone();
    repeated.id = "f-3".into();
    repeated.last_modified -= TimeDelta::hours(1);
    let samples = [Sample::daily("f-1", NAME, b"first"), corrected, repeated];
    let rig = Rig::start(&samples, "").await;
    let pulled = pull_day(&rig, TEMPLATE, &[]).await;
    let ids: Vec<_> = pulled.files.iter().map(id_of).collect();
    assert_eq!(ids, ["f-2", "f-3"], "equal bytes are told apart later, as a repeat");
    let [warning] = pulled.warnings.as_slice() else { panic!("one warning: {:?}", pulled.warnings) };
    let told = "cardlinked-reconciliation-250319.json was sent more than once with different bytes: file f-2 \
                (last modified 2025-03-20T05:10:00+00:00) counts, file f-1 (last modified 2025-03-20T00:10:00+00:00) does not";
    assert_eq!(warning.message, told);
    assert_eq!(warning.file.as_deref(), Some(NAME));
}

#[tokio::test]
async fn different_names_of_one_period_all_count() {
    let samples =
        [Sample::daily("f-1", NAME, b"one"), Sample::daily("f-2", "cardlinked-reconciliation-250319.part2", b"two")];
    let rig = Rig::start(&samples, "").await;
    let pulled = pull_day(&rig, TEMPLATE, &[]).await;
    assert_eq!(pulled.files.iter().map(id_of).collect::<Vec<_>>(), ["f-1", "f-2"]);
    assert!(pulled.warnings.is_empty());
}

fn id_of(file: &RawFile) -> String {
    match &file.origin {
        Origin::Provider { file_id, .. } => file_id.clone(),
        other => panic!("not from a list of files: {other:?}"),
    }
}

#[tokio::test]
async fn a_name_from_outside_is_never_a_path() {
    let long = format!("x{}", "é".repeat(150));
    assert_eq!(long.len(), 301);
    for (name, shown) in [
        ("../../x", "../../x".to_owned()),
        ("/etc/passwd", "/etc/passwd".to_owned()),
        ("x\r\n\u{1b}[2Jy\0", "x[2Jy".to_owned()),
        (long.as_str(), format!("x{}…", "é".repeat(118))),
    ] {
        let rig = Rig::start(&[Sample::daily("f/../1 ?#%", name, b"bytes")], "").await;
        let stem: String = name.chars().take(2).collect();
        let pulled = pull_day(&rig, &stem, &[]).await;
        let [file] = pulled.files.as_slice() else { panic!("{name:?}: one file") };
        assert_eq!(file.name, shown);
        assert_eq!(rig.stored(), [format!("sha256-{}", file.sha256)], "the digest is the only name on disk");
        assert_eq!(file.stored, rig.folder.path().join("raw").join(format!("sha256-{}", file.sha256)));
    }
}

#[tokio::test]
async fn a_web_page_in_place_of_a_file_is_refused_whatever_it_calls_itself() {
    for page in ["<html></html>", "\n \t<!DOCTYPE html>", "\u{feff}<?xml?>"] {
        let rig = Rig::start(&[Sample::daily("f-1", NAME, page.as_bytes())], "").await;
        let kind = FileType::EarnedRewardSettledDaily;
        let error = pull(&rig.client, "kard", kind, TEMPLATE, &day("2025-03-19"), &rig.store, &[]).await.unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::ProviderUnavailable, "{page}");
        assert_eq!((rig.stored(), downloads(&rig)), (vec![], 3));
    }
}

#[tokio::test]
async fn a_file_of_no_bytes_is_a_file() {
    let rig = Rig::start(&[Sample::daily("f-1", NAME, b"")], "").await;
    let pulled = pull_day(&rig, TEMPLATE, &[]).await;
    assert_eq!(pulled.files[0].bytes, 0, "whether that may be is the job's to say");
}
