//! Logs on stderr, for people or for machines. Results never go here, and logs never to stdout.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::exit::Failure;
use crate::progress::Progress;
use crate::spans;
use crate::telemetry::Traces;

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    // One object a line.
    Json,
}

/// When to colour what goes to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    // On a terminal, unless NO_COLOR says no.
    Auto,
    Always,
    Never,
}

/// What the command line asks of the log.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub format: LogFormat,
    pub color: Color,
    pub no_progress: bool,
    pub quiet: bool,
    /// How often `-v` was given.
    pub verbose: u8,
}

/// How this process talks on stderr: decided once, from the command line and the terminal.
#[derive(Debug, Clone)]
pub struct Voice {
    format: LogFormat,
    color: bool,
    /// A person watches and asked for no more: messages without their time.
    brief: bool,
    level: &'static str,
    pub progress: Progress,
}

impl Voice {
    pub fn new(asked: Asked) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bars = terminal && !asked.no_progress && !asked.quiet && asked.format == LogFormat::Text;
        Self {
            format: asked.format,
            color: asked.format == LogFormat::Text && has_color(asked.color, terminal),
            brief: terminal && asked.verbose == 0,
            level: level(asked),
            progress: Progress::new(bars),
        }
    }

    /// Sends the process's log to stderr from here on, and its spans to a collector where there is one.
    pub fn start_log(&self, traces: Option<&Traces>) {
        let log = tracing_subscriber::fmt::layer()
            .with_writer(Stderr(self.progress.clone()))
            .with_ansi(self.color)
            .with_target(false);
        let log = match self.format {
            LogFormat::Text if self.brief => log.without_time().boxed(),
            LogFormat::Text => log.boxed(),
            LogFormat::Json => log.json().flatten_event(true).boxed(),
        };
        // What is for traces stands in no log.
        let filter = EnvFilter::new(format!("{},{}=off", self.level, spans::TARGET));
        let traces = traces.map(Traces::layer);
        // Refused only when a log is already set up, which then takes the events.
        let _ = tracing_subscriber::registry().with(log.with_filter(filter)).with(traces).try_init();
    }

    /// Tells why the process ends, once.
    pub fn tell_failure(&self, failure: &Failure) {
        if self.format == LogFormat::Json {
            tracing::error!(exit_code = failure.code as u8, "{failure}");
            return;
        }
        let label = if self.color { "\u{1b}[1;31merror:\u{1b}[0m" } else { "error:" };
        // Nobody can be told that stderr is closed.
        let _ = writeln!(Stderr(self.progress.clone()), "{label} {failure}");
    }
}

const fn level(asked: Asked) -> &'static str {
    match (asked.quiet, asked.verbose) {
        (true, _) => "error",
        (false, 0) => "warn,tieout=info",
        (false, 1) => "info,tieout=debug",
        (false, _) => "debug,tieout=trace",
    }
}

/// Colour where it is asked for, or on a terminal unless `NO_COLOR` is set.
/// See <https://no-color.org>: any value but an empty one counts.
pub fn has_color(color: Color, terminal: bool) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// Stderr, with the bars out of the way.
#[derive(Debug, Clone)]
struct Stderr(Progress);

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.suspend(|| std::io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().lock().flush()
    }
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        self.clone()
    }
}
