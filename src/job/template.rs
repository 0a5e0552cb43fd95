//! The template of a text that a job sends: literal text and `{placeholders}` of a closed set. `effects::describe`
//! fills them in.

/// What a placeholder stands for. *Ours* is the ledger; *theirs* is the provider's file, or what its notifications
/// say where the file says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// The transaction id.
    Transaction,
    /// Our id of the break.
    Break,
    /// The same: what the provider may quote to us.
    Reference,
    /// The break's kind, as `reward_missing`.
    Kind,
    Job,
    /// The period's label.
    Period,
    User,
    Merchant,
    /// ISO 4217 code of the break.
    Currency,
    /// The day (UTC) on which it happened.
    Date,
    OurAmount,
    TheirAmount,
    OurReward,
    TheirReward,
    OurCommission,
    TheirCommission,
    /// By how much the two sides that differ do so, without a sign.
    Difference,
    AtRisk,
    StatusOurs,
    StatusTheirs,
    /// What differs, in one sentence for each break.
    Detail,
}

impl Placeholder {
    pub const ALL: [Self; 21] = [
        Self::Transaction,
        Self::Break,
        Self::Reference,
        Self::Kind,
        Self::Job,
        Self::Period,
        Self::User,
        Self::Merchant,
        Self::Currency,
        Self::Date,
        Self::OurAmount,
        Self::TheirAmount,
        Self::OurReward,
        Self::TheirReward,
        Self::OurCommission,
        Self::TheirCommission,
        Self::Difference,
        Self::AtRisk,
        Self::StatusOurs,
        Self::StatusTheirs,
        Self::Detail,
    ];

    /// As it is written between braces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Break => "break",
            Self::Reference => "reference",
            Self::Kind => "kind",
            Self::Job => "job",
            Self::Period => "period",
            Self::User => "user",
            Self::Merchant => "merchant",
            Self::Currency => "currency",
            Self::Date => "date",
            Self::OurAmount => "our_amount",
            Self::TheirAmount => "their_amount",
            Self::OurReward => "our_reward",
            Self::TheirReward => "their_reward",
            Self::OurCommission => "our_commission",
            Self::TheirCommission => "their_commission",
            Self::Difference => "difference",
            Self::AtRisk => "at_risk",
            Self::StatusOurs => "status_ours",
            Self::StatusTheirs => "status_theirs",
            Self::Detail => "detail",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|placeholder| placeholder.name() == name)
    }
}

/// A template that can be filled in: every placeholder is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Placeholder),
}

/// What is wrong with a template as written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("the text is empty")]
    Empty,
    #[error("a brace without its partner; write {{{{ or }}}} for a brace that is meant")]
    LoneBrace,
    /// With its braces.
    #[error("unknown placeholder `{0}`")]
    Unknown(String),
}

impl Template {
    /// Reads a template. `{{` and `}}` are braces.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<TemplateError>> {
        if text.trim().is_empty() {
            return Err(vec![TemplateError::Empty]);
        }
        let (mut parts, mut errors, mut literal) = (Vec::new(), Vec::new(), String::new());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            let after = &rest[at + 1..];
            if let Some(doubled) = after.strip_prefix(brace) {
                literal.push_str(brace);
                rest = doubled;
                continue;
            }
            let word = after.split_once('}').filter(|(word, _)| brace == "{" && !word.contains('{'));
            let Some((word, beyond)) = word else {
                errors.push(TemplateError::LoneBrace);
                rest = after;
                continue;
            };
            match Placeholder::from_name(word) {
                Some(placeholder) => {
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Value(placeholder));
                }
                None => errors.push(TemplateError::Unknown(format!("{{{word}}}"))),
            }
            rest = beyond;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        if errors.is_empty() { Ok(Self(parts)) } else { Err(errors) }
    }

    /// The text with every placeholder replaced by its value. Values are not looked into: a brace in one stays.
    pub fn fill(&self, value: impl Fn(Placeholder) -> String) -> String {
        self.0.iter().fold(String::new(), |mut filled, part| {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Value(placeholder) => filled.push_str(&value(*placeholder)),
            }
            filled
        })
    }
}
