//! The habits of the house, checked: files stay short, say what lives in them, and know only what
//! stands before them in the flow of `src/lib.rs`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const MOST_LINES: usize = 500;

/// Uses against the flow that are part of the design: (module, what it uses, why).
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("money", "job", "an amount's unit is a word of the job file"),
    ("period", "job", "a period's grain is a word of the job file"),
    ("job", "breaks", "the kinds of breaks are words of the job file"),
    ("job", "frames", "the canonical columns are words of the job file"),
    ("job", "records", "the published fields are words of the job file"),
    ("job", "project", "a job is checked against the providers of its project"),
    (
        "project",
        "review",
        "roles of people, hashes of their passwords and a proxy's addresses are words of the project file",
    ),
    ("project", "decisions", "two names may be one person's"),
    ("providers", "sandbox", "the sandbox's public constants stand in for secrets"),
    ("providers", "sources", "a download goes straight into the raw store"),
    ("providers", "sandbox", "moved to the sandbox, a provider takes its public constants for secrets"),
    ("matching", "breaks", "a folded key holds the facts that its break will show"),
    ("sources", "frames", "a source may tell a warning, in the words of the frame"),
    ("objects", "journal", "keeping can be killed at a named point, like everything that the journal tells of"),
    ("outgoing", "journal", "a build can be killed at named points, like everything that the journal tells of"),
];

/// Modules that take no clock, no network and no disk, and the files in them that are not meant.
const PURE: &[(&str, &[&str])] = &[
    ("src/money.rs", &[]),
    ("src/period", &[]),
    ("src/calendar", &["src/calendar/load.rs"]),
    ("src/job/check", &[]),
    ("src/job/spec", &[]),
    ("src/job/template.rs", &[]),
    ("src/job/preset", &[]),
    ("src/job/due.rs", &[]),
    ("src/job/cron.rs", &[]),
    ("src/job/schedule.rs", &[]),
    ("src/job/month.rs", &[]),
    ("src/frames/normalize", &[]),
    ("src/frames/schema.rs", &[]),
    ("src/records", &[]),
    ("src/matching", &[]),
    ("src/breaks", &[]),
    ("src/month", &[]),
    ("src/schedule", &["src/schedule/serve.rs"]),
    // It reads the project's files and keeps the base.
    ("src/kubernetes", &["src/kubernetes/folder.rs"]),
    ("src/seals", &[]),
    ("src/sign_off", &[]),
    ("src/effects", &[]),
    ("src/notify/judge.rs", &[]),
    ("src/notify/words.rs", &[]),
    ("src/backfill/plan.rs", &[]),
    ("src/backfill/range.rs", &[]),
    // They write the rendered bytes, and read them again.
    ("src/report", &["src/report/mod.rs", "src/report/write.rs", "src/report/files.rs"]),
];

const IMPURE: &[&str] =
    &["tokio", "reqwest", "std::fs", "std::net", "File::open", "Utc::now", "Local::now", "SystemTime"];

/// Only these speak to the terminal.
const PRINTERS: &[&str] = &["src/main.rs", "src/commands/", "src/output", "src/logging", "src/progress"];

struct Source {
    /// From the package's folder, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// Lines of code with their numbers: comments and what stands in quotes is left out.
    fn code(&self) -> impl Iterator<Item = (usize, String)> {
        self.text.lines().zip(1..).map(|(line, number)| (number, code_of(line)))
    }

    fn is_in(&self, place: &str) -> bool {
        self.path.starts_with(place)
    }
}

/// A line without its comment and without the contents of its string literals.
fn code_of(line: &str) -> String {
    let mut code = String::new();
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' if quoted => {
                chars.next();
            }
            // A quotation mark as a character literal opens no string.
            '\'' if !quoted && chars.peek() == Some(&'"') => {
                chars.next();
            }
            '"' => quoted = !quoted,
            '/' if !quoted && chars.peek() == Some(&'/') => break,
            char if !quoted => code.push(char),
            _ => {}
        }
    }
    code
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below these folders, in order of path.
fn sources(folders: &[&str]) -> Vec<Source> {
    let mut waiting: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
                found.push(Source { path: relative, text: std::fs::read_to_string(&path).unwrap() });
            }
        }
    }
    assert!(!found.is_empty(), "no file in {folders:?}");
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

fn assert_none(errors: &[String]) {
    assert!(errors.is_empty(), "\n{}\n", errors.join("\n"));
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let errors: Vec<_> = sources(&["src", "tests", "samples"])
        .iter()
        .map(|source| (source, source.text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(source, lines)| format!("{}: {lines} lines; split it by what it is about", source.path))
        .collect();
    assert_none(&errors);
}

#[test]
fn every_file_says_what_lives_there() {
    let errors: Vec<_> = sources(&["src", "tests", "samples"])
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| format!("{}: does not open with `//!` and what lives there", source.path))
        .collect();
    assert_none(&errors);
}

#[test]
fn no_file_is_called_utils() {
    let errors: Vec<_> = sources(&["src", "tests", "samples"])
        .into_iter()
        .filter(|source| {
            let name = source.path.rsplit('/').next().unwrap_or_default();
            ["util.rs", "utils.rs", "helpers.rs", "common.rs", "misc.rs"].contains(&name)
        })
        .map(|source| format!("{}: name it by what it is about", source.path))
        .collect();
    assert_none(&errors);
}

/// The modules of `src/lib.rs`, in the order of the flow.
fn flow() -> Vec<String> {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).map(str::to_owned).collect()
}

/// The top-level module that a file of `src/` belongs to.
fn module_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap();
    inside.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The top-level modules that code names: `crate::x`, also in the groups of `use crate::{x, y::z};`.
fn named_modules(code: &str) -> Vec<String> {
    let mut named = Vec::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            named.extend(group_heads(group));
        } else {
            named.push(rest.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect());
        }
    }
    named
}

/// `a::b, c::{d, e}, f}…` → a, c, f.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let (mut depth, mut head, mut in_head) = (0, String::new(), true);
    for char in group.chars() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                heads.push(std::mem::take(&mut head));
                in_head = true;
                continue;
            }
            _ => {}
        }
        in_head &= depth == 0 && char != ':' && char != '{';
        if in_head && !char.is_whitespace() {
            head.push(char);
        }
    }
    heads.push(head);
    heads.retain(|head| !head.is_empty());
    heads
}

#[test]
fn the_modules_that_code_names_are_found_in_every_spelling() {
    let table = [
        ("use crate::job::Grain;", vec!["job"]),
        ("use crate::{job::Grain, frames::{Field, Side}, money};", vec!["job", "frames", "money"]),
        ("use crate::{\n    job,\n    breaks::{self, Rule},\n};", vec!["job", "breaks"]),
        ("fn x(y: &crate::period::Period) -> crate::exit::ExitCode {}", vec!["period", "exit"]),
        ("pub(crate) fn x() {}", vec![]),
    ];
    for (code, modules) in table {
        assert_eq!(named_modules(code), modules, "{code}");
    }
    assert_eq!(code_of(r#"let a = "crate::x"; // crate::y"#), "let a = ; ");
    assert_eq!(code_of(r#"let b = "a \" // b"; f(crate::z)"#), "let b = ; f(crate::z)");
}

#[test]
fn a_module_uses_only_what_stands_before_it_in_the_flow() {
    let flow = flow();
    let place: BTreeMap<&str, usize> = flow.iter().map(String::as_str).zip(0..).collect();
    let mut errors = Vec::new();
    for source in sources(&["src"]).iter().filter(|source| !["src/lib.rs", "src/main.rs"].contains(&&*source.path)) {
        let from = module_of(&source.path);
        let Some(own) = place.get(from) else {
            errors.push(format!("{}: `{from}` is not a module of src/lib.rs", source.path));
            continue;
        };
        let code: Vec<String> = source.code().map(|(_, code)| code).collect();
        for named in named_modules(&code.join("\n")) {
            let excepted = EXCEPTIONS.iter().any(|(user, used, _)| *user == from && *used == named);
            if place.get(named.as_str()).is_some_and(|used| used > own) && !excepted {
                errors.push(format!("{}: `{from}` uses `{named}`, which stands after it in src/lib.rs", source.path));
            }
        }
    }
    assert_none(&errors);
}

#[test]
fn sources_and_effects_do_not_know_each_other() {
    let mut errors = Vec::new();
    for source in sources(&["src"]) {
        let code: Vec<String> = source.code().map(|(_, code)| code).collect();
        for (from, banned) in [("src/sources", "effects"), ("src/effects", "sources")] {
            if source.is_in(from) && named_modules(&code.join("\n")).iter().any(|named| named == banned) {
                errors.push(format!("{}: uses `{banned}`", source.path));
            }
        }
    }
    assert_none(&errors);
}

#[test]
fn pure_modules_take_no_clock_no_network_and_no_disk() {
    let mut errors = Vec::new();
    for source in sources(&["src"]) {
        let pure = PURE.iter().any(|(place, but)| source.is_in(place) && !but.contains(&&*source.path));
        if !pure {
            continue;
        }
        for (number, code) in source.code() {
            if let Some(word) = IMPURE.iter().find(|word| code.contains(**word)) {
                errors.push(format!("{}:{number}: `{word}` in a module that is pure", source.path));
            }
        }
    }
    assert_none(&errors);
}

#[test]
fn only_the_outermost_modules_print() {
    let mut errors = Vec::new();
    for source in sources(&["src"]) {
        if PRINTERS.iter().any(|place| source.is_in(place)) {
            continue;
        }
        for (number, code) in source.code() {
            let words = ["print!(", "println!(", "eprint!(", "eprintln!(", "stdout()", "stderr()", "dbg!("];
            if let Some(word) = words.iter().find(|word| code.contains(**word)) {
                errors.push(format!("{}:{number}: `{word}` outside main, commands, output and logging", source.path));
            }
        }
    }
    assert_none(&errors);
}

#[test]
fn nothing_in_src_unwraps_or_allows_a_lint() {
    let mut errors = Vec::new();
    for source in sources(&["src", "samples"]) {
        for (number, code) in source.code() {
            if let Some(word) = [".unwrap()", "#[allow(", "#![allow("].iter().find(|word| code.contains(**word)) {
                errors.push(format!("{}:{number}: `{word}`; use `expect` with a reason", source.path));
            }
        }
    }
    assert_none(&errors);
}

#[test]
fn no_test_hides_in_src() {
    let mut errors = Vec::new();
    for source in sources(&["src", "samples"]) {
        for (number, code) in source.code() {
            if code.contains("#[test]") || code.contains("cfg(test)") {
                errors.push(format!(
                    "{}:{number}: tests live in tests/, where they use what others can use",
                    source.path
                ));
            }
        }
    }
    assert_none(&errors);
}

#[test]
fn every_test_file_is_part_of_the_one_binary() {
    let main = std::fs::read_to_string(root().join("tests/main.rs")).unwrap();
    let declared: Vec<&str> = main
        .lines()
        .filter_map(|line| line.strip_prefix("mod ").or_else(|| line.strip_prefix("pub mod "))?.strip_suffix(';'))
        .collect();
    let mut sorted = declared.clone();
    sorted.sort_unstable();
    assert_eq!(declared, sorted, "tests/main.rs: alphabetical, so that changes meet in few places");
    for source in sources(&["tests"]) {
        let inside = source.path.strip_prefix("tests/").unwrap();
        let name = inside.split('/').next().unwrap().trim_end_matches(".rs");
        assert!(name == "main" || declared.contains(&name), "{} is in no `mod` line of tests/main.rs", source.path);
    }
}

/// What a provider's name may stand in besides its own folder and the sandbox that plays it.
const LISTS_OF_PROVIDERS: [&str; 4] =
    ["src/providers/kinds.rs", "src/providers/mod.rs", "src/sandbox/mod.rs", "src/sandbox/mounts.rs"];

#[test]
fn a_provider_is_one_folder_one_line_and_one_file_of_the_sandbox() {
    // Kard was the first: audits, markers, files and notifications are its own.
    let providers: Vec<String> = std::fs::read_dir(root().join("src/providers"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| !["http", "kard"].contains(&name.as_str()))
        .collect();
    assert!(providers.len() >= 5, "{providers:?}");
    let mut errors = Vec::new();
    for source in sources(&["src"]) {
        let of_lists = LISTS_OF_PROVIDERS.contains(&source.path.as_str());
        for provider in &providers {
            let own =
                source.is_in(&format!("src/providers/{provider}/")) || source.is_in(&format!("src/sandbox/{provider}"));
            if of_lists || own {
                continue;
            }
            for (number, code) in source.code() {
                if code.contains(provider.as_str()) {
                    errors.push(format!("{}:{number}: knows `{provider}`; ask it by `Provider`", source.path));
                }
            }
        }
    }
    assert_none(&errors);
}
