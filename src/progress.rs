//! Progress on a terminal: a bar for each stage, nothing anywhere else.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// All bars of the process. Cheap to clone; any thread may use it.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: Option<MultiProgress>,
}

impl Progress {
    /// Bars on stderr, or none at all.
    pub fn new(shown: bool) -> Self {
        Self { bars: shown.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr())) }
    }

    /// Shows nothing: for pipes, cron and tests.
    pub const fn hidden() -> Self {
        Self { bars: None }
    }

    /// Begins a stage; its bar goes away when the stage is finished or dropped.
    pub fn stage(&self, name: impl Into<String>) -> Stage {
        let Some(bars) = &self.bars else { return Stage { bar: ProgressBar::hidden() } };
        let bar = bars.add(ProgressBar::no_length().with_prefix(name.into()).with_style(going_on()));
        bar.enable_steady_tick(Duration::from_millis(120));
        Stage { bar }
    }

    /// Begins a transfer of that many bytes: with its rate and the time that is left.
    pub fn bytes(&self, name: impl Into<String>, total: u64) -> Stage {
        let Some(bars) = &self.bars else { return Stage { bar: ProgressBar::hidden() } };
        let bar = bars.add(ProgressBar::new(total).with_prefix(name.into()).with_style(moving()));
        bar.enable_steady_tick(Duration::from_millis(120));
        Stage { bar }
    }

    /// Runs `write` while no bar stands in the way of what it prints on stderr.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }
}

/// One stage of the work.
#[derive(Debug)]
pub struct Stage {
    bar: ProgressBar,
}

impl Stage {
    /// How far it is: of the bytes that were announced with [`Progress::bytes`].
    pub fn set(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Says how far it is, in words.
    pub fn tell(&self, words: impl Into<String>) {
        self.bar.set_message(words.into());
    }

    /// Ends the stage; the bar stays with these words.
    pub fn finish(self, message: impl Into<String>) {
        self.bar.set_style(ended());
        self.bar.finish_with_message(message.into());
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.bar.is_finished() {
            self.bar.finish_and_clear();
        }
    }
}

fn going_on() -> ProgressStyle {
    style("{prefix:12} {spinner} {elapsed} {msg}")
}

fn moving() -> ProgressStyle {
    style("{prefix:12} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta} left")
}

fn ended() -> ProgressStyle {
    style("{prefix:12} {msg}")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
