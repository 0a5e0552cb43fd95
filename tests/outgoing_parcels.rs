//! How lines are divided into parcels, and what the spool keeps of them.

use std::collections::BTreeSet;

use tieout::outgoing::{Layout, SourcePlace};

use crate::outgoing_support::{BULK, Workshop, ids_of, lines_of, purchases};

#[test]
fn files_are_split_by_rows_and_never_have_more() {
    let layout = |max_rows| Layout::BulkFiles { max_bytes: 5_000_000_000, max_rows: Some(max_rows) };
    for max_rows in [1, 2, 10, 33, 99, 100, 1_000] {
        let sealed = Workshop::new(layout(max_rows)).csv(&purchases(0..100)).build().unwrap();
        let rows: Vec<u64> = sealed.manifest().parcels.iter().map(|parcel| parcel.rows).collect();
        assert!(rows.iter().all(|rows| *rows <= max_rows), "{max_rows}: {rows:?}");
        assert_eq!(rows.iter().sum::<u64>(), 100);
        assert_eq!(rows.len() == 1, max_rows >= 100, "{max_rows}: {rows:?}");
        assert_eq!(ids_of(&sealed).concat().len(), 100);
    }
}

#[test]
fn files_are_split_by_packed_bytes_and_never_have_more() {
    let whole = Workshop::new(BULK).csv(&purchases(0..400)).build().unwrap().manifest().parcels[0].bytes;
    for max_bytes in [whole, whole - 1, whole / 2, 900] {
        let layout = Layout::BulkFiles { max_bytes, max_rows: None };
        let sealed = Workshop::new(layout).csv(&purchases(0..400)).build().unwrap();
        let parcels = &sealed.manifest().parcels;
        assert!(parcels.iter().all(|parcel| parcel.bytes <= max_bytes));
        assert_eq!(parcels.len() == 1, max_bytes == whole, "{max_bytes}");
        assert_eq!(ids_of(&sealed).concat().len(), 400);
    }
    let layout = Layout::BulkFiles { max_bytes: 100, max_rows: None };
    let message = Workshop::new(layout).csv(&purchases(0..3)).message();
    let (before, after) = (
        "line 2 of file 1 of the source, with those that are packed together with it, takes ",
        " bytes, more than a file may have; raise `split.max_bytes` (it is 100)",
    );
    // How many bytes these are is the library's business.
    let found = message.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    assert!(found.and_then(|bytes| bytes.parse().ok()).is_some_and(|bytes: u64| bytes > 100), "{message}");
}

#[test]
fn names_tell_job_period_number_and_digest() {
    let layout = Layout::BulkFiles { max_bytes: 5_000_000_000, max_rows: Some(20) };
    let sealed = Workshop::new(layout).csv(&purchases(0..30)).build().unwrap();
    for (parcel, number) in sealed.manifest().parcels.iter().zip(1..) {
        let digest = &parcel.sha256[..8];
        assert_eq!(parcel.name, format!("core-upload-2025-03-19-{number:03}-{digest}.jsonl.gz"));
        let bytes = std::fs::read(sealed.path(parcel)).unwrap();
        assert_eq!((tieout::digest::sha256(&bytes), bytes.len() as u64), (parcel.sha256.clone(), parcel.bytes));
    }
    let sealed = Workshop::new(Layout::Parts { rows: 20 }).csv(&purchases(0..30)).build().unwrap();
    let parcel = &sealed.manifest().parcels[1];
    assert_eq!(parcel.name, format!("core-upload-2025-03-19-00002-{}.jsonl", &parcel.sha256[..8]));
}

#[test]
fn calls_have_so_many_lines_in_the_order_of_the_source() {
    let sealed = Workshop::new(Layout::Parts { rows: 12 }).csv(&purchases(0..50)).build().unwrap();
    let ids: Vec<String> = (0..50).map(|id| format!("txn-{id}")).collect();
    assert_eq!(ids_of(&sealed), ids.chunks(12).collect::<Vec<_>>());
    for parcel in &sealed.manifest().parcels {
        let text = String::from_utf8(sealed.bytes(parcel).unwrap()).unwrap();
        assert_eq!(text.lines().collect::<Vec<_>>(), lines_of(&sealed, parcel));
        assert_eq!(parcel.user, None);
    }
}

#[test]
fn calls_for_users_have_the_rows_of_one_user_each() {
    let rows = ["b", "a", "b", "b", "c \\\"quoted\\\"", "a", "b"];
    let rows: Vec<String> =
        rows.iter().zip(0..).map(|(user, id)| format!("txn-{id},{},1,USD", user.replace("\\\"", "'"))).collect();
    let sealed = Workshop::new(Layout::PartsByUser { rows: 3 }).csv(&rows).build().unwrap();
    let users: Vec<&str> = sealed.manifest().parcels.iter().filter_map(|parcel| parcel.user.as_deref()).collect();
    assert_eq!(users, ["b", "b", "a", "c 'quoted'"]);
    let expected = [vec!["txn-0", "txn-2", "txn-3"], vec!["txn-6"], vec!["txn-1", "txn-5"], vec!["txn-4"]];
    assert_eq!(ids_of(&sealed), expected);
    let last = &sealed.manifest().parcels[1];
    assert_eq!((last.first, last.last), (SourcePlace { file: 0, line: 8 }, SourcePlace { file: 0, line: 8 }));
}

#[test]
fn a_users_name_with_escapes_is_read_back_as_it_was() {
    let row = "1,\"Ana \"\"the\nfox\"\" \\ é\u{2028}\",5,USD".to_owned();
    let sealed = Workshop::new(Layout::PartsByUser { rows: 500 }).csv(&[row]).build().unwrap();
    assert_eq!(sealed.manifest().parcels[0].user.as_deref(), Some("Ana \"the\nfox\" \\ é\u{2028}"));
}

#[test]
fn a_sealed_row_is_found_by_its_event_id_and_by_its_line_with_its_place_in_the_source() {
    // Record 3 takes two lines of the file, and one does not fit: lines of source and parcel drift apart.
    let mut rows = purchases(0..40);
    rows[3] = "txn-3,\"two\nlines\",7,EUR".to_owned();
    rows[8] = "txn-8,user,much,USD".to_owned();
    for layout in [BULK, Layout::BulkFiles { max_bytes: 900, max_rows: None }, Layout::Parts { rows: 11 }] {
        let workshop = Workshop::new(layout).csv(&rows).tolerating(1);
        let sealed = workshop.build().unwrap();
        let lines: Vec<u64> = (2..6).chain(7..11).chain(12..43).collect();
        let mut places = lines.iter();
        for parcel in &sealed.manifest().parcels {
            for (text, number) in lines_of(&sealed, parcel).iter().zip(1_u64..) {
                let record: serde_json::Value = serde_json::from_str(text).unwrap();
                let id = record["id"].as_str().unwrap().to_owned();
                let by_id = sealed.find(parcel, &BTreeSet::from([id.clone()]), &BTreeSet::new()).unwrap();
                let by_line = sealed.find(parcel, &BTreeSet::new(), &BTreeSet::from([number])).unwrap();
                assert_eq!(by_id, by_line);
                assert_eq!(by_id.len(), 1);
                let row = &by_id[0];
                assert_eq!((&row.event_id, row.line), (&id, number));
                assert_eq!(row.source, SourcePlace { file: 0, line: *places.next().unwrap() });
                let attributes = &record["attributes"];
                assert_eq!(row.transaction_id.as_deref(), attributes["transactionId"].as_str());
                assert_eq!(row.user_id.as_deref(), attributes["userId"].as_str());
                assert_eq!(Some(row.amount_minor), attributes["amount"].as_i64());
                assert_eq!(Some(row.currency.as_str()), attributes["currency"].as_str());
            }
        }
        assert_eq!(places.next(), None);
    }
}

#[test]
fn what_was_sealed_is_found_again_and_what_changes_the_bytes_changes_the_key() {
    let workshop = Workshop::new(BULK).csv(&purchases(0..20));
    let key = workshop.spec().key(&workshop.files);
    assert!(workshop.spool().find(&key).unwrap().is_none());
    let sealed = workshop.build().unwrap();
    assert_eq!(workshop.spool_holds(), [key.as_str()]);
    let found = workshop.spool().find(&key).unwrap().unwrap();
    assert_eq!(found.manifest(), sealed.manifest());
    found.verify(&found.manifest().parcels[0]).unwrap();

    let others = [
        Workshop::new(BULK).csv(&purchases(0..21)),
        Workshop::new(Layout::Parts { rows: 500 }).csv(&purchases(0..20)),
        Workshop::new(BULK).csv(&purchases(0..20)).tolerating(1),
    ];
    for other in others {
        assert_ne!(other.spec().key(&other.files), key);
    }
    let mut spec = workshop.spec();
    spec.mapping = "other columns";
    assert_ne!(spec.key(&workshop.files), key);
    let mut spec = workshop.spec();
    spec.workers = None;
    assert_eq!(spec.key(&workshop.files), key, "the number of cores decides nothing");
}

#[test]
fn a_build_that_is_not_whole_any_more_is_told() {
    let workshop = Workshop::new(BULK).csv(&purchases(0..20));
    let sealed = workshop.build().unwrap();
    let parcel = sealed.manifest().parcels[0].clone();
    let key = &sealed.manifest().key;
    let folder = workshop.folder_of(&sealed);
    let message = |error: tieout::outgoing::SpoolError| {
        anyhow::Error::from(error).to_string().replace(&folder.display().to_string(), "FOLDER")
    };
    let path = sealed.path(&parcel);
    let bytes = std::fs::read(&path).unwrap();

    let mut changed = bytes.clone();
    changed[20] ^= 1;
    std::fs::write(&path, &changed).unwrap();
    let found = workshop.spool().find(key).unwrap().unwrap();
    assert_eq!(
        message(found.verify(&parcel).unwrap_err()),
        format!(
            "FOLDER/{0}: the bytes of {0} have the digest {1}; expected {2} as it was sealed: remove its folder to \
             have it built again, with the same bytes",
            parcel.name,
            tieout::digest::sha256(&changed),
            parcel.sha256
        )
    );
    assert!(found.bytes(&parcel).is_err());

    std::fs::write(&path, &bytes[1..]).unwrap();
    assert_eq!(
        message(workshop.spool().find(key).unwrap_err()),
        format!(
            "FOLDER/{} has {} bytes; expected {} as it was sealed: remove its folder to have it built again, with the \
             same bytes",
            parcel.name,
            bytes.len() - 1,
            bytes.len()
        )
    );

    let manifest = folder.join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("\"version\": 1", "\"version\": 9, \"later\": true")).unwrap();
    assert_eq!(
        message(workshop.spool().find(key).unwrap_err()),
        "FOLDER/manifest.json is a manifest of version 9; this program reads version 1"
    );
}

#[test]
fn what_a_killed_build_left_is_no_build_and_goes_with_the_next_one() {
    let workshop = Workshop::new(BULK).csv(&purchases(0..20));
    let key = workshop.spec().key(&workshop.files);
    let left = workshop.spool_folder().join(format!(".tmp-{key}"));
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("open-001"), b"half a file").unwrap();
    assert!(workshop.spool().find(&key).unwrap().is_none());
    let sealed = workshop.build().unwrap();
    assert_eq!(workshop.spool_holds(), [key]);
    let mut held: Vec<String> = std::fs::read_dir(workshop.folder_of(&sealed))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    held.sort();
    assert_eq!(held, [sealed.manifest().parcels[0].name.clone(), "manifest.json".to_owned(), "places".to_owned()]);
}

#[test]
fn totals_are_text_in_the_manifest_and_of_any_size() {
    let most = i64::MAX;
    let rows: Vec<String> = (0..3).map(|id| format!("txn-{id},u,{most},USD")).collect();
    let workshop = Workshop::new(BULK).csv(&rows);
    let sealed = workshop.build().unwrap();
    let text = std::fs::read_to_string(workshop.folder_of(&sealed).join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = (3 * i128::from(most)).to_string();
    assert_eq!(manifest["sealed"]["totals"]["USD"].as_str(), Some(expected.as_str()));
    assert_eq!(manifest["parcels"][0]["totals"]["USD"].as_str(), Some(expected.as_str()));
}
