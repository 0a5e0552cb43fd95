//! `cargo run --example generate-samples`: writes the shipped samples, checks them, or makes a
//! big day for measuring, or half a year. The same arguments always give the same bytes: no clock is read.

// By path, so that its parts stand beside it, here and where a test loads it.
#[path = "generator.rs"]
mod generator;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

/// Makes the samples of tieout.
#[derive(Debug, Parser)]
#[command(name = "generate-samples")]
struct Args {
    /// Folder that holds `kard/` and `data/`.
    #[arg(long, default_value = "samples")]
    out: PathBuf,
    /// Another seed gives other purchases with the same stories.
    #[arg(long, default_value_t = generator::SHIPPED_SEED)]
    seed: u64,
    /// Instead of the shipped samples, one big day of this many purchases; wants `--out`.
    #[arg(long, conflicts_with = "check")]
    rows: Option<u64>,
    /// Instead of the shipped samples, the first half of 2025 with the truth about it; wants `--out`.
    #[arg(long, conflicts_with_all = ["check", "rows"])]
    half_year: bool,
    /// Purchases on each day of the half year.
    #[arg(long, requires = "half_year", default_value_t = generator::half_year::PER_DAY)]
    per_day: u64,
    /// Writes nothing; fails when the files in `--out` are not what would be written.
    #[arg(long)]
    check: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let mut out = std::io::stdout().lock();
    if let Some(purchases) = args.rows {
        // The default folder is the one that git tracks.
        anyhow::ensure!(args.out != Path::new("samples"), "a big day needs a folder of its own: add --out DIR");
        let counts = generator::bulk::write(&args.out, args.seed, purchases)
            .with_context(|| format!("writing a big day to {}", args.out.display()))?;
        writeln!(
            out,
            "{}: file {} rows, ledger {} rows, webhooks {} rows; {} breaks to be found",
            args.out.display(),
            counts.file,
            counts.ledger,
            counts.webhooks,
            counts.breaks
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.half_year {
        anyhow::ensure!(args.out != Path::new("samples"), "half a year needs a folder of its own: add --out DIR");
        let counts = generator::half_year::write_to(&args.out, args.seed, args.per_day)
            .with_context(|| format!("writing half a year to {}", args.out.display()))?;
        let generator::half_year::Counts { purchases, files, labels } = counts;
        let folder = args.out.display();
        writeln!(out, "{folder}: {purchases} purchases, {files} files of the provider, {labels} rows of truth")?;
        return Ok(ExitCode::SUCCESS);
    }
    let files = generator::shipped::files(args.seed).context("making the samples")?;
    if !args.check {
        generator::shipped::write(&args.out, &files)
            .with_context(|| format!("writing samples to {}", args.out.display()))?;
        writeln!(out, "{} files in {}", files.len(), args.out.display())?;
        return Ok(ExitCode::SUCCESS);
    }
    let differences = generator::shipped::differences(&args.out, &files)
        .with_context(|| format!("reading samples in {}", args.out.display()))?;
    for difference in &differences {
        writeln!(out, "{difference}")?;
    }
    if differences.is_empty() {
        writeln!(out, "{} files in {} are as generated", files.len(), args.out.display())?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "run `cargo run --example generate-samples` and look at what changed")?;
    Ok(ExitCode::FAILURE)
}
