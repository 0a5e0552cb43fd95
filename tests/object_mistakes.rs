//! What is told when the prefixes or the pattern of an input in a bucket are wrong, and what is made of right ones.

use tieout::job::{self, Objects, Source};
use tieout::objects::Place;

use crate::job_files::{JOB, workspace};
use crate::job_mistakes::{Mistake, check_in};

const PATH: &str = "path: file-{period}.csv";

#[test]
fn prefixes_are_folders_in_their_order() {
    let text = JOB.replacen(PATH, "s3: [\"s3://bucket/upload\", \"s3://other/\"]\n    pattern: \"f-{yymmdd}*.csv\"", 1);
    let job = job::load(&workspace(&text).project(), "daily").unwrap();
    let place = |bucket: &str, prefix: &str| Place { bucket: bucket.to_owned(), prefix: prefix.to_owned() };
    let places = vec![place("bucket", "upload/"), place("other", "")];
    let expected = Objects { places, pattern: "f-{yymmdd}*.csv".to_owned() };
    assert!(expected.is_of_period());
    assert_eq!(expected.to_string(), "s3://bucket/upload/f-{yymmdd}*.csv or s3://other/f-{yymmdd}*.csv");
    let found = job.inputs().into_iter().find(|input| input.side == tieout::frames::Side::File).unwrap();
    assert_eq!(found.source, Source::S3(expected));
    let same = Objects { places: vec![place("bucket", "a/")], pattern: "ledger.csv".to_owned() };
    assert!(!same.is_of_period());
}

#[test]
fn mistakes_of_objects_are_told() {
    check_in(JOB, MISTAKES);
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        right: PATH,
        wrong: "s3: bucket/upload\n    pattern: f-{period}.csv",
        told: &["5:9: `bucket/upload` is no place in S3; expected one such as s3://bucket/prefix/"],
    },
    Mistake {
        right: PATH,
        wrong: "s3: s3://bucket/upload/\n    path: f-{period}.csv",
        told: &["5:9: both `s3` and `path`; expected one of them"],
    },
    Mistake {
        right: PATH,
        wrong: "s3: [s3://bucket/a, s3://bucket/a/]\n    pattern: f-{period}.csv",
        told: &["5:9: s3://bucket/a/ is named twice"],
    },
    Mistake {
        right: PATH,
        wrong: "s3: \"s3://bucket/{day}/\"\n    pattern: f.csv",
        told: &["5:9: unknown placeholder `{day}` in `{day}/`; expected one of `{yymmdd}`, `{yymm}`, `{period}`"],
    },
    Mistake {
        right: PATH,
        wrong: "s3: s3://bucket/a\n    pattern: ../f.csv",
        told: &["6:14: `../f.csv` is no name after a prefix; expected one such as ledger-{period}.csv"],
    },
    Mistake {
        right: PATH,
        wrong: "s3: s3://bucket/a\n    pattern: \"f-***.csv\"",
        told: &["6:14: `f-***.csv` is no glob: wildcards are either regular `*` or recursive `**`"],
    },
    Mistake {
        right: PATH,
        wrong: "s3: s3://bucket/a\n    pattern: f.csv\n    name: f",
        told: &["7:11: `name` belongs to a provider's file, and this input is a prefix in a bucket"],
    },
    Mistake {
        right: PATH,
        wrong: "path: f-{period}.csv\n    pattern: f.csv",
        told: &["6:14: `pattern` says which objects of `s3`, and this input has none"],
    },
    Mistake {
        right: PATH,
        wrong: "s3: s3://bucket/a",
        told: &[
            "5:9: missing key `pattern`; it says which objects after the prefix, such as cardlinked-reconciliation-{yymmdd}*",
        ],
    },
    Mistake {
        right: PATH,
        wrong: "s3: s3://bucket/a\n    pattern: f.csv\n    due: 12h",
        told: &["7:10: `due` counts from the time at which a provider sent the file, and this input is in a bucket"],
    },
];
