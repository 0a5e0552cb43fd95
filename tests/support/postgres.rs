//! A `PostgreSQL` server of the tests' own: a data folder of its own, a free port on loopback, and gone when the tests
//! are. Works as root (the server then runs as `postgres`) and as anybody else.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tempfile::TempDir;

/// Of the superuser `postgres`, over TCP.
pub(crate) const PASSWORD: &str = "only of the tests";

/// A running server. It ends with this, and with the test process whatever ends that.
pub(crate) struct Server {
    folder: PathBuf,
    pub(crate) port: u16,
    /// Waits for the end of its stdin, then stops the server and removes its folder.
    keeper: Child,
    databases: AtomicU32,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// One server for all tests of this process; each makes a database of its own in it.
pub(crate) fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| Server::start(&[]))
}

/// Where Debian and its kin put the server's programs, or the path.
fn program(name: &str) -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = installed.map(|version| version.path().join("bin").join(name)).collect();
    found.retain(|path| path.is_file());
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(name))
}

fn is_root() -> bool {
    let said = Command::new("id").arg("-u").output().unwrap();
    said.stdout.trim_ascii() == b"0"
}

/// A command that the server's own user runs: its programs refuse root.
fn as_server(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    // The folder of the tests is nobody else's.
    command.current_dir("/");
    command
}

fn done(mut command: Command) {
    // A server that is started by it keeps what it inherits open: files, not pipes that would have to end.
    let mut said = tempfile::tempfile().unwrap();
    let output = said.try_clone().unwrap();
    command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}; see .ci/postgres"));
    if !status.success() {
        let mut text = String::new();
        std::io::Seek::rewind(&mut said).unwrap();
        std::io::Read::read_to_string(&mut said, &mut text).unwrap();
        panic!("{command:?} ended with {status}: {text}");
    }
}

impl Server {
    /// A server with these lines more in its `postgresql.conf`.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let folder = TempDir::with_prefix("tieout-postgres-").unwrap().keep();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let data = folder.join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
        let password = folder.join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        if is_root() {
            let mut chown = Command::new("chown");
            chown.arg("-R").arg("postgres").arg(&folder);
            done(chown);
        }
        let mut initdb = as_server(&program("initdb"));
        initdb.arg("-D").arg(&data).args(["-U", "postgres", "--encoding=UTF8", "--locale=C.UTF-8"]);
        initdb.args(["--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile"]).arg(&password);
        done(initdb);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let conf = data.join("postgresql.conf");
        let mut conf = std::fs::OpenOptions::new().append(true).open(conf).unwrap();
        writeln!(conf, "listen_addresses = '127.0.0.1'\nport = {port}\nmax_connections = 200").unwrap();
        writeln!(conf, "unix_socket_directories = '{}'", folder.display()).unwrap();
        writeln!(conf, "shared_buffers = 16MB\nlogging_collector = off").unwrap();
        for line in settings {
            writeln!(conf, "{line}").unwrap();
        }
        drop(conf);
        let keeper = keeper(&folder);
        let server = Self { folder, port, keeper, databases: AtomicU32::new(0) };
        server.control(&["start"]);
        server
    }

    /// The folder of the data; `ssl_cert_file` and its kin are relative to it.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Puts a file into the data folder, readable by the server alone, as it wants keys to be.
    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.data().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        if is_root() {
            let mut chown = Command::new("chown");
            chown.arg("postgres").arg(&path);
            done(chown);
        }
    }

    /// `pg_ctl` with these arguments, such as `restart -m immediate`; waits until it is done.
    pub(crate) fn control(&self, arguments: &[&str]) {
        let mut control = as_server(&program("pg_ctl"));
        control.arg("-D").arg(self.data()).args(["-w", "-t", "60", "-l"]).arg(self.folder.join("log")).args(arguments);
        done(control);
    }

    /// The address of a database of it, with the superuser's name and password.
    pub(crate) fn address(&self, database: &str) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/{database}", PASSWORD.replace(' ', "%20"), self.port)
    }

    /// A new, empty database; gives its name.
    pub(crate) async fn database(&self) -> String {
        let name = format!("test_{}_{}", std::process::id(), self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}")).await;
        name
    }

    /// A connection of the superuser.
    pub(crate) async fn connect(&self, database: &str) -> PgConnection {
        let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(self.port);
        options.username("postgres").password(PASSWORD).database(database).connect().await.unwrap()
    }

    /// Runs statements as the superuser, and tells the error.
    pub(crate) async fn try_sql(&self, database: &str, sql: &str) -> Result<(), sqlx::Error> {
        let mut connection = self.connect(database).await;
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.map(|_| ());
        connection.close().await.unwrap();
        done
    }

    pub(crate) async fn sql(&self, database: &str, sql: &str) {
        self.try_sql(database, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// A shell that outlives the tests by as long as it takes to stop the server and to remove its folder: nothing of the
/// tests' own is run when their process is killed, but the pipe to the shell is closed then, too.
fn keeper(folder: &Path) -> Child {
    let stop = as_server(&program("pg_ctl"));
    let words = std::iter::once(stop.get_program()).chain(stop.get_args());
    let stop: Vec<_> = words.map(|word| word.to_str().unwrap()).collect();
    let folder = folder.to_str().unwrap();
    let script = format!(
        "trap '' INT TERM HUP; cat >/dev/null; cd /; {} -D {folder}/data -m immediate -w stop >/dev/null 2>&1; \
         rm -rf {folder}",
        stop.join(" ")
    );
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().unwrap()
}
