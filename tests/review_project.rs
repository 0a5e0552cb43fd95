//! `review:` in tieout.yaml: what it means, what is told when it is wrong, and who may not see the pages.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use tieout::project::Project;
use tieout::project::review::{Password, UsersConfig, users_file};
use tieout::review::access::Role;
use tieout::review::gate::Gate;

use crate::project_files::Workspace;
use crate::support::house::{PASSWORD, hash};
use crate::support::project::TestProject;

fn problems(text: &str) -> Vec<String> {
    match Project::load(Workspace::new(text).root()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn users_a_proxy_and_sessions_are_read() {
    let hash = hash();
    let workspace = Workspace::new(&format!(
        "review:\n  bind: 0.0.0.0:8722\n  url: https://tieout.acme.example/\n  users:\n    Mara Lind: {{role: reviewer, \
         password: '{}'}}\n    paul: {{role: preparer, password: {{file: keys/paul}}}}\n  proxy:\n    header: \
         X-Forwarded-User\n    from: [10.1.0.0/16, 127.0.0.1]\n    roles: {{ada: admin}}\n    default_role: viewer\n  \
         session: {{idle: 10m, most: 8h}}\n",
        hash.as_str()
    ));
    let review = workspace.project().review.unwrap();
    let UsersConfig::Listed(users) = &review.users else { panic!("{review:?}") };
    assert_eq!(users.keys().collect::<Vec<_>>(), ["Mara Lind", "paul"]);
    assert_eq!(
        (users["Mara Lind"].role, &users["Mara Lind"].password),
        (Role::Reviewer, &Password::Hash(hash.clone()))
    );
    let proxy = review.proxy.as_ref().unwrap();
    assert_eq!((&*proxy.header, proxy.from.len(), proxy.default_role), ("x-forwarded-user", 2, Some(Role::Viewer)));
    assert_eq!((review.session.idle, review.session.most), (Duration::from_mins(10), Duration::from_hours(8)));
    assert!(review.has_sign_in() && review.is_https() && !review.anonymous);
    // What stands elsewhere is read when the pages begin.
    let missing = Gate::open(workspace.root(), &review).unwrap_err();
    assert_eq!(missing.to_string(), "the password of user `paul` (`review: users:`)");
    workspace.write("keys/paul", format!("{PASSWORD}\n"));
    let bad = Gate::open(workspace.root(), &review).unwrap_err().to_string();
    let told = "the password of user `paul` that stands elsewhere is no hash of a password; expected text that begins with \
                $argon2id$v=19$; `tieout review hash-password` makes one";
    assert_eq!(bad, told);
    workspace.write("keys/paul", format!("{}\n", hash.as_str()));
    assert_eq!(Gate::open(workspace.root(), &review).unwrap().users(), 2);
}

#[test]
fn without_a_word_about_it_everybody_on_this_machine_looks_and_nobody_signs_in() {
    let review = Workspace::new("review: {}\n").project().review.unwrap();
    assert!(review.anonymous && !review.has_sign_in() && review.bind.ip().is_loopback());
    let users =
        format!("review: {{users: {{a: {{role: admin, password: '{}'}}}}, anonymous: viewer}}\n", hash().as_str());
    assert!(Workspace::new(&users).project().review.unwrap().anonymous);
}

#[test]
fn a_hash_is_never_repeated_whatever_is_wrong() {
    let cheap = hash().as_str().replace("m=7168", "m=64");
    let text = format!(
        "review:\n  users:\n    rosa: {{role: reviewer, password: '{cheap}'}}\n    Rosa:\n      role: boss\n      password: {PASSWORD}\n"
    );
    let told = problems(&text).join("\n");
    assert!(told.contains("is too cheap to break") && told.contains("unknown value `boss`"), "{told}");
    let plain = format!("review:\n  users:\n    rosa:\n      role: admin\n      password: {PASSWORD}\n");
    let plain = problems(&plain).join("\n");
    assert!(plain.contains("5:17: `password` is no hash of a password") && !plain.contains(PASSWORD), "{plain}");
    assert!(
        !told.contains(PASSWORD) && !told.contains("$m=") && !told.contains(cheap.rsplit('$').next().unwrap()),
        "{told}"
    );
}

#[test]
fn what_is_wrong_with_the_block_is_told_with_its_place() {
    let good = format!("{{role: admin, password: '{}'}}", hash().as_str());
    let table = [
        (
            "review: {anonymous: none}\n".to_owned(),
            "tieout.yaml:1:21: nobody can sign in, and `anonymous: none` lets nobody look: the pages are of no use; name \
             `users`, `users_file` or `proxy`, or leave `anonymous` out",
        ),
        (
            "review: {users: {}}\n".to_owned(),
            "tieout.yaml:1:10: there are no users; `tieout review user NAME --role reviewer` writes one",
        ),
        (
            format!("review:\n  users: {{a: {good}}}\n  users_file: users.yaml\n"),
            "tieout.yaml:3:15: there are `users` and a `users_file`; expected one of them",
        ),
        (
            format!("review:\n  users: {{ada: {good}, ADA: {good}}}\n"),
            "tieout.yaml:2:3: `ADA` and `ada` are one name; expected one of them",
        ),
        (
            "review:\n  proxy: {header: X-Forwarded-User, from: [10.1.2.3/16], default_role: viewer}\n".to_owned(),
            "tieout.yaml:2:44: `10.1.2.3/16` is no address; expected one such as 10.1.2.3, or 10.1.0.0/16 for many",
        ),
        (
            "review:\n  proxy: {header: Cookie, from: [10.1.2.3], default_role: viewer}\n".to_owned(),
            "tieout.yaml:2:19: `header` is `Cookie`; expected a header of the proxy's own such as X-Forwarded-User",
        ),
        (
            "review:\n  proxy: {header: X-User, from: [10.1.2.3]}\n".to_owned(),
            "tieout.yaml:2:3: nobody whom the proxy names may do anything; list people under `roles`, or name a \
             `default_role`",
        ),
        (
            "review:\n  session: {idle: 2h, most: 1h}\n".to_owned(),
            "tieout.yaml:2:3: expected `idle` to be 1m at least, and `most` no shorter than that and 30d at most",
        ),
    ];
    for (text, expected) in table {
        let told = problems(&text);
        assert_eq!(told.iter().map(|told| told.lines().next().unwrap()).collect::<Vec<_>>(), [expected], "{text}");
    }
}

#[test]
fn users_stand_in_a_file_of_their_own_where_that_is_named() {
    let workspace = Workspace::new("review: {users_file: access/users.yaml}\n");
    let review = workspace.project().review.unwrap();
    let missing = Gate::open(workspace.root(), &review).unwrap_err();
    assert_eq!(missing.to_string(), "the file of users (`review: users_file:`)");
    workspace
        .write("access/users.yaml", format!("users:\n  rosa: {{role: reviewer, password: '{}'}}\n", hash().as_str()));
    assert_eq!(Gate::open(workspace.root(), &review).unwrap().users(), 1);
    workspace.write("access/users.yaml", format!("users:\n  rosa: {{role: boss, password: {PASSWORD}}}\nmore: 1\n"));
    let told = users_file(workspace.root(), &workspace.root().join("access/users.yaml")).unwrap_err().to_string();
    assert!(told.contains("access/users.yaml:2:16: unknown value `boss` for") && told.contains("more"), "{told}");
    assert!(!told.contains(PASSWORD), "{told}");
}

#[test]
fn pages_that_all_could_see_are_not_shown() {
    let project = TestProject::empty();
    let text = String::from_utf8(project.read("tieout.yaml")).unwrap();
    project.write("tieout.yaml", format!("{text}review: {{bind: '0.0.0.0:0'}}\n"));
    for arguments in [["serve", "--review-only"], ["serve", "--review"]] {
        let refused = project.run(&arguments).ended_with(78);
        assert_eq!(
            refused.stderr.lines().last().unwrap(),
            "error: the pages on 0.0.0.0:0 could be seen by whoever reaches this machine: `review: bind:` is not loopback, \
             and nobody has to sign in; name `users`, `users_file` or `proxy` under `review:` of tieout.yaml, or bind to \
             127.0.0.1"
        );
    }
    let doctor = project.run(&["doctor", "--format", "json"]);
    assert!(doctor.stdout.contains("could be seen by whoever reaches this machine"), "{}", doctor.stdout);
}

fn asked(project: &TestProject, arguments: &[&str], stdin: &str) -> (i32, String, String) {
    let mut command = project.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn an_entry_for_a_user_is_made_from_a_password_on_stdin() {
    let project = TestProject::empty();
    let (code, entry, told) =
        asked(&project, &["review", "user", "Mara O'Lind", "--role", "reviewer"], "four words in a row\n");
    assert_eq!((code, told.contains("four words")), (0, false), "{told}");
    assert!(
        entry.starts_with("'Mara O''Lind': {role: reviewer, password: '$argon2id$v=19$m=19456,t=2,p=1$"),
        "{entry}"
    );
    let workspace = Workspace::new(&format!("review:\n  users:\n    {entry}"));
    let UsersConfig::Listed(users) = workspace.project().review.unwrap().users else { panic!("{entry}") };
    let Password::Hash(hash) = &users["Mara O'Lind"].password else { panic!("{users:?}") };
    assert!(hash.is_of("four words in a row"));
    let table = [
        ("eleven-char\n", "error: the password has 11 characters; expected 12 at least, such as four words in a row\n"),
        ("", "error: stdin holds no password; write it as one line, or call this on a terminal\n"),
        ("one\ntwo\n", "error: stdin holds more than one line; expected the password alone\n"),
    ];
    for (stdin, expected) in table {
        let (code, out, told) = asked(&project, &["review", "hash-password"], stdin);
        assert_eq!((code, &*out, &*told), (2, "", expected));
    }
    let (code, _, told) = asked(&project, &["review", "user", " a/b", "--role", "viewer"], "four words in a row\n");
    assert!(code == 2 && told.starts_with("error: the name is not fit for the journal;"), "{told}");
}
