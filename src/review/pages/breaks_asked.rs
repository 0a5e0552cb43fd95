//! What a list of breaks is asked for: from an address to a query, and back to the addresses of other pages of it.

use rust_decimal::Decimal;

use super::parts::{Asked, asked, number, query};
use crate::breaks::BreakStatus;
use crate::review::frame::Refusal;
use crate::review::store::{Direction, Filter, Sort};

/// The status of all that is not closed.
pub(super) const WAITING: &str = "waiting";
/// The owner of what nobody owns.
pub(super) const NOBODY: &str = "-";

/// The parameters of a filter, in the order of the form.
const FILTERS: [&str; 9] = ["q", "kind", "status", "currency", "owner", "min", "age", "age_from", "age_to"];

/// What somebody wants to see.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) filter: Filter,
    pub(super) sort: Sort,
    pub(super) direction: Direction,
    pub(super) page: Option<u64>,
    /// The parameters of the filter as they were sent, for the form and for links.
    sent: Vec<(&'static str, String)>,
}

/// Reads an address.
///
/// # Errors
/// [`Refusal::Bad`], with what was found and what can be asked for.
pub(super) fn read(from: &Asked) -> Result<Wish, Refusal> {
    let text = |name: &str| asked(from, name).map(str::to_owned);
    let statuses = match asked(from, "status") {
        None => Vec::new(),
        Some(WAITING) => BreakStatus::ALL.into_iter().filter(|status| status.is_open()).collect(),
        Some(name) => vec![BreakStatus::from_name(name).ok_or_else(|| unknown("status", name, &status_names()))?],
    };
    let sort = match asked(from, "sort") {
        None => Sort::Report,
        Some(name) => Sort::from_name(name).ok_or_else(|| unknown("sort", name, &Sort::ALL.map(Sort::name)))?,
    };
    let direction = match asked(from, "dir") {
        None | Some("asc") => Direction::Ascending,
        Some("desc") => Direction::Descending,
        Some(other) => return Err(unknown("dir", other, &["asc", "desc"])),
    };
    let least = asked(from, "min").map(|text| {
        let wrong = |_| Refusal::Bad(format!("`min` is `{text}`, which is no amount; write it as 1234.50."));
        Decimal::from_str_exact(text).map_err(wrong)
    });
    let owner = text("owner").map(|owner| if owner == NOBODY { String::new() } else { owner });
    let filter = Filter {
        kind: text("kind"),
        statuses,
        currency: text("currency"),
        owner,
        age_days: ages(from)?,
        least: least.transpose()?,
        begins: text("q"),
    };
    let sent = FILTERS.into_iter().filter_map(|name| Some((name, text(name)?))).collect();
    Ok(Wish { filter, sort, direction, page: number(from, "page")?, sent })
}

/// From the younger to the older end; `age` alone is the younger one. Days before the period's end count from 0; what
/// lies behind it is younger than that.
fn ages(from: &Asked) -> Result<Option<(i64, i64)>, Refusal> {
    let days = |name: &str| -> Result<Option<i64>, Refusal> {
        let wrong = |text: &str| Refusal::Bad(format!("`{name}` is `{text}`, which is no whole number of days."));
        asked(from, name).map(|text| text.parse().map_err(|_| wrong(text))).transpose()
    };
    let (first, last) = (days("age_from")?.or(days("age")?), days("age_to")?);
    Ok((first.is_some() || last.is_some()).then(|| (first.unwrap_or(i64::MIN), last.unwrap_or(i64::MAX))))
}

fn status_names() -> Vec<&'static str> {
    std::iter::once(WAITING).chain(BreakStatus::ALL.map(BreakStatus::name)).collect()
}

fn unknown(name: &str, found: &str, known: &[&str]) -> Refusal {
    Refusal::Bad(format!("`{name}` is `{found}`; it can be {}.", known.join(", ")))
}

/// The name in addresses.
pub(super) const fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "asc",
        Direction::Descending => "desc",
    }
}

/// The other end first.
pub(super) const fn other(direction: Direction) -> Direction {
    match direction {
        Direction::Ascending => Direction::Descending,
        Direction::Descending => Direction::Ascending,
    }
}

impl Wish {
    /// A parameter of the filter, as it was sent.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.sent.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn is_filtered(&self) -> bool {
        self.filter != Filter::default()
    }

    pub(super) fn is_sorted(&self) -> bool {
        self.sort != Sort::Report || self.direction == Direction::Descending
    }

    /// All breaks, as the report lists them.
    pub(super) fn is_plain(&self) -> bool {
        !self.is_filtered() && !self.is_sorted()
    }

    /// The address of a page of this list.
    pub(super) fn href(&self, base: &str, page: usize) -> String {
        let mut pairs = self.sent.clone();
        if self.is_sorted() {
            pairs.push(("sort", self.sort.name().to_owned()));
            pairs.push(("dir", direction_name(self.direction).to_owned()));
        }
        if page > 1 {
            pairs.push(("page", page.to_string()));
        }
        format!("{base}{}", query(&pairs))
    }

    /// The address of the first page in another order.
    pub(super) fn sorted(&self, base: &str, sort: Sort, direction: Direction) -> String {
        Self { sort, direction, ..self.clone() }.href(base, 1)
    }
}
