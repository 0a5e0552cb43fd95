//! `docs/add-a-provider.md`, followed step by step: the files that it names are written, the commands that it gives are
//! run, and they print what it says they print.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tieout::sandbox::{Options, Sandbox};

/// The address of the sandbox in the guide.
const ADDRESS: &str = "http://127.0.0.1:8080";

/// A fenced block: the words after the fence, and the text.
struct Block {
    words: Vec<String>,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let text: String = lines
            .by_ref()
            .take_while(|line| *line != "```")
            .map(|line| format!("{line}\n"))
            .collect::<Vec<_>>()
            .concat();
        found.push(Block { words: info.split_whitespace().map(str::to_owned).collect(), text });
    }
    found
}

/// Each command of a block and what it prints.
fn commands(text: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let mut found: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("$ tieout ") {
            Some(arguments) => found.push((arguments.split_whitespace().map(str::to_owned).collect(), Vec::new())),
            None => found.last_mut().expect("a block begins with a command").1.push(line.to_owned()),
        }
    }
    found
}

/// Whether a line is the one that the guide shows; `…` stands for anything.
fn is_shown(shown: &str, line: &str) -> bool {
    match shown.split_once('…') {
        Some((before, after)) => {
            line.len() >= before.len() + after.len() && line.starts_with(before) && line.ends_with(after)
        }
        None => shown == line,
    }
}

fn run(folder: &Path, arguments: &[String]) -> (i32, String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_tieout")).args(arguments).current_dir(folder).env_remove("NO_COLOR").output();
    let output = output.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_the_guide_gets_what_it_shows() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(repository.join("docs/add-a-provider.md")).unwrap();
    let sandbox = Sandbox::start(Options::new(repository.join("samples/kard"))).await.unwrap();
    let project = TempDir::new().unwrap();
    let (mut files, mut calls) = (0, 0);
    for Block { words, text } in blocks(&page) {
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            // A file of the project.
            ["yaml" | "csv" | "text", path] => {
                let path = project.path().join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                assert!(!text.contains(ADDRESS) || path.ends_with("tieout.yaml"), "{}", path.display());
                std::fs::write(&path, text.replace(ADDRESS, &sandbox.base_url)).unwrap();
                files += 1;
            }
            ["console"] => {
                for (arguments, shown) in commands(&text) {
                    let (code, stdout, stderr) = run(project.path(), &arguments);
                    assert_eq!(code, 0, "{arguments:?}: {stdout}{stderr}");
                    let printed: Vec<&str> = stdout.lines().collect();
                    let same = printed.len() == shown.len()
                        && shown.iter().zip(&printed).all(|(shown, line)| is_shown(shown, line));
                    assert!(same, "{arguments:?} prints\n{stdout}\nand the guide shows\n{}", shown.join("\n"));
                    calls += 1;
                }
            }
            // Shown, not done.
            ["sh" | "rust" | "text" | "yaml"] => {}
            other => panic!("a block of {other:?} is neither a file nor a command"),
        }
    }
    assert!(files >= 4 && calls >= 3, "{files} files, {calls} commands");
}
