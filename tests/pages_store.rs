//! The index of a run's breaks: pages of any filter and order, together, are what it finds, each break once.

use std::collections::HashMap;
use std::path::Path;

use proptest::prelude::*;
use rust_decimal::Decimal;
use tieout::breaks::{Break, BreakKind, BreakStatus};
use tieout::job::ReportFormat;
use tieout::journal::{RunRecord, RunStatus};
use tieout::objects::Artifacts;
use tieout::report::facts::{Facts, LifeFacts};
use tieout::report::file_name;
use tieout::review::store::{Direction, Filter, Query, Sort, Store, query};

use crate::support::utc;
use crate::support_facts::{clean, found, hostile};

fn run_in(folder: &Path) -> RunRecord {
    RunRecord {
        id: "rewards-daily/2025-03-19/1".to_owned(),
        job: "rewards-daily".to_owned(),
        period: "2025-03-19".to_owned(),
        attempt: 1,
        note: None,
        job_sha256: String::new(),
        program_version: String::new(),
        sandbox: false,
        started_at: utc("2025-03-20T10:00:00Z"),
        status: RunStatus::Done,
        exit_code: Some(0),
        breaks: None,
        rows: None,
        ties_out: Some(true),
        message: None,
        finished_at: None,
        artifacts: Some(folder.to_str().expect("a temporary folder is text").to_owned()),
        started_by: None,
        lease_epoch: None,
    }
}

fn write(facts: &Facts, folder: &Path) {
    let file = std::fs::File::create(folder.join(file_name(ReportFormat::Parquet))).expect("a file");
    tieout::report::parquet::render(facts, file).expect("it can be written");
}

fn facts_of(breaks: Vec<Break>, owners: &[Option<&str>]) -> Facts {
    let mut lives = HashMap::new();
    for (one, owner) in breaks.iter().zip(owners) {
        let owner = owner.map(str::to_owned);
        let life = LifeFacts { owner, first_period: "2025-03-19".to_owned(), age_business_days: 0, comments: 0 };
        lives.insert(one.id.clone(), life);
    }
    Facts { breaks: breaks.into(), lives, ..clean() }
}

/// A break of few different kinds, currencies and amounts, so that many are equal in what they are sorted by.
fn a_break(number: usize, parts: (usize, usize, i64, usize, i64, bool)) -> Break {
    let (kind, currency, minor, status, age_days, has_time) = parts;
    let kind = [BreakKind::AmountMismatch, BreakKind::MissingInFile, BreakKind::FileMissing][kind];
    let currency = ["USD", "JPY", ""][currency];
    let minor = if currency.is_empty() { 0 } else { minor };
    let mut one = found(kind, &format!("t-{}", number % 7), currency, minor);
    one.id = format!("{number:016x}");
    one.status = BreakStatus::ALL[status];
    one.age_days = age_days;
    one.occurred_at = has_time.then(|| utc("2025-03-19T08:00:00Z") + chrono::TimeDelta::hours(age_days));
    one
}

/// Whether the filter, read plainly, finds it.
fn passes(filter: &Filter, one: &Break, owner: Option<&str>) -> bool {
    let decimals = if one.currency == "JPY" { 0 } else { 2 };
    filter.kind.as_deref().is_none_or(|kind| kind == one.kind.name())
        && (filter.statuses.is_empty() || filter.statuses.contains(&one.status))
        && filter.currency.as_deref().is_none_or(|currency| currency == one.currency)
        && filter.owner.as_deref().is_none_or(|wanted| wanted == owner.unwrap_or_default())
        && filter.age_days.is_none_or(|(first, last)| first <= one.age_days && one.age_days <= last)
        && filter
            .least
            .is_none_or(|least| !one.currency.is_empty() && Decimal::new(one.at_risk_minor, decimals) >= least)
        && filter.begins.as_deref().is_none_or(|begins| one.key.starts_with(begins) || one.id.starts_with(begins))
}

fn filters() -> impl Strategy<Value = Filter> {
    let text =
        |all: &'static [&'static str]| proptest::option::of(proptest::sample::select(all).prop_map(str::to_owned));
    (
        text(&["amount_mismatch", "missing_in_file", "nothing"]),
        proptest::collection::vec(proptest::sample::select(BreakStatus::ALL.to_vec()), 0..3),
        text(&["USD", "JPY"]),
        text(&["Mara", ""]),
        proptest::option::of((-2_i64..3, 0_i64..4)),
        proptest::option::of((0_i64..400, 0_u32..4).prop_map(|(number, scale)| Decimal::new(number, scale))),
        text(&["t-3", "t-", "000000000000000", "x"]),
    )
        .prop_map(|(kind, statuses, currency, owner, age_days, least, begins)| Filter {
            kind,
            statuses,
            currency,
            owner,
            age_days,
            least,
            begins,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_pages_of_a_query_hold_each_break_that_it_finds_once_and_in_order(
        parts in proptest::collection::vec((0..3_usize, 0..3_usize, 0..300_i64, 0..7_usize, -1..3_i64, any::<bool>()), 0..60),
        owned in proptest::collection::vec(proptest::sample::select(vec![None, Some("Mara"), Some("Ada")]), 60),
        filter in filters(),
        sort in proptest::sample::select(Sort::ALL.to_vec()),
        descending in any::<bool>(),
        take in 1..9_usize,
    ) {
        let breaks: Vec<Break> = parts.into_iter().enumerate().map(|(number, parts)| a_break(number, parts)).collect();
        let folder = tempfile::TempDir::new().expect("a folder");
        write(&facts_of(breaks.clone(), &owned), folder.path());
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        let store = Store::default();
        let kept = Artifacts::on_disk(folder.path().to_owned());
        let (index, outline) = runtime.block_on(async {
            let file = store.breaks(&kept, &run_in(folder.path())).await.expect("it is there");
            // Without an index first, and the same from one.
            let outline = store.outline(&file).await.expect("it can be read");
            (store.index(&file).await.expect("it can be read"), outline)
        });
        prop_assert_eq!(&outline.sums, &query::sums(&index, &Filter::default()));
        let direction = if descending { Direction::Descending } else { Direction::Ascending };
        let ask = |skip, take| query::page(&index, &Query { filter: filter.clone(), sort, direction, skip, take });
        let whole = ask(0, usize::MAX);
        let mut paged = Vec::new();
        for skip in (0..).step_by(take).take_while(|skip| *skip < breaks.len().max(1)) {
            let page = ask(skip, take);
            prop_assert_eq!(&page.sums, &whole.sums);
            paged.extend(page.rows);
        }
        prop_assert_eq!(&paged, &whole.rows, "pages and whole");
        let mut rows = paged;
        rows.sort_unstable();
        let expected: Vec<u32> = (0..).zip(&breaks).filter(|(row, one)| passes(&filter, one, owned[*row as usize])).map(|(row, _)| row).collect();
        prop_assert_eq!(&rows, &expected, "what is found");
        let sum: i128 = expected.iter().map(|row| &breaks[*row as usize]).filter(|one| !one.currency.is_empty()).map(|one| i128::from(one.at_risk_minor)).sum();
        prop_assert_eq!(whole.sums.at_risk.values().map(|(_, minor)| minor).sum::<i128>(), sum);
        prop_assert_eq!(whole.sums.breaks, expected.len());
        if sort == Sort::AtRisk {
            let stated: Vec<i64> = whole.rows.iter().map(|row| &breaks[*row as usize]).filter(|one| !one.currency.is_empty()).map(|one| one.at_risk_minor).collect();
            prop_assert!(stated.is_sorted_by(|one, other| if descending { one >= other } else { one <= other }), "{:?}", stated);
        }
    }
}

#[test]
fn rows_are_read_whole_wherever_they_stand_and_a_changed_file_is_read_anew() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let facts = hostile();
    write(&facts, folder.path());
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let store = Store::bounded(0);
    let kept = Artifacts::on_disk(folder.path().to_owned());
    runtime.block_on(async {
        let run = run_in(folder.path());
        let file = store.breaks(&kept, &run).await.expect("it is there");
        let rows: Vec<u32> = (0..).take(facts.breaks.len()).collect();
        let backwards: Vec<u32> = rows.iter().rev().copied().collect();
        let listed = file.listed(backwards).await.expect("it can be read");
        let keys: Vec<&str> = facts.breaks.heads().rev().map(|one| one.key()).collect();
        assert_eq!(listed.iter().map(|row| row.said("key")).collect::<Vec<_>>(), keys);
        for one in facts.breaks.iter() {
            let row = file.one(&one.id).await.expect("it can be read").expect("it is there");
            assert_eq!((row.said("id"), row.whole("age_days")), (&*one.id, Some(one.age_days)));
        }
        assert_eq!(file.one("0123").await.expect("it can be read"), None);
        assert_eq!(store.index(&file).await.expect("it can be read").len(), facts.breaks.len());
        write(&clean(), folder.path());
        let file = store.breaks(&kept, &run).await.expect("it is there");
        assert!(store.index(&file).await.expect("it can be read").is_empty());
        let gone = RunRecord { artifacts: Some("/nowhere/at/all".to_owned()), ..run };
        let error = store.breaks(&kept, &gone).await.expect_err("nothing is there");
        assert_eq!(
            error.to_string(),
            "the files of run rewards-daily/2025-03-19/1 are not kept any more, or it wrote none"
        );
    });
}
