//! What `tieout gc` has removed of a period, for whoever looks for it later: `ARTIFACTS/JOB/PERIOD/removed.json`.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// The list's name, in the folder of the period.
pub const REMOVED_FILE: &str = "removed.json";

/// All that was removed of one period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    pub removed: Vec<Removal>,
}

/// One file that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Relative to the period's folder, with `/`: `1/report.html`, `raw/sha256-…`.
    pub name: String,
    pub bytes: u64,
    /// Lower-case hexadecimal SHA-256 of what it held.
    pub sha256: String,
    pub removed_at: DateTime<Utc>,
    /// The person, or the machine's user.
    pub removed_by: String,
}

impl Removed {
    /// The list of a period; empty where there is none.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn read(period_folder: &Path) -> io::Result<Self> {
        match std::fs::read(period_folder.join(REMOVED_FILE)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Takes these in; what was listed under the same name before is replaced, in order of names.
    pub fn add(&mut self, more: Vec<Removal>) {
        self.removed.retain(|known| more.iter().all(|new| new.name != known.name));
        self.removed.extend(more);
        self.removed.sort_by(|left, right| left.name.cmp(&right.name));
    }
}

/// Why a file below the artifacts is not there, in words that end a message: empty unless it was removed on purpose.
pub fn why_gone(path: &Path) -> String {
    // JOB/PERIOD/ATTEMPT/FILE, JOB/PERIOD/raw/FILE, JOB/PERIOD/outgoing/BUILD/FILE.
    let found = path.ancestors().skip(1).take(3).find_map(|folder| {
        let name: PathBuf = path.strip_prefix(folder).ok()?.to_owned();
        let name = name.to_str()?.replace(std::path::MAIN_SEPARATOR, "/");
        Removed::read(folder).ok()?.removed.into_iter().find(|removal| removal.name == name)
    });
    found.map_or_else(String::new, |removal| {
        let at = removal.removed_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!(": `tieout gc` removed it at {at} ({})", crate::text::visible(&removal.removed_by))
    })
}
