//! A mapping is held against the published fields before a row is read: everything at once.

use tieout::job::{TimeFormat, Unit};
use tieout::records::{AmountSign, EVENT_ID, FieldColumn, Mapping, RecordType, check, marqeta};

use crate::support::records::{column, constant, mapping, whole, worded};

const CORE: [&str; 8] =
    ["userId", "transactionId", "amount", "currency", "description", "direction", "settledDate", "authorizationDate"];

/// A core mapping with nothing wrong, changed.
fn core(change: impl FnOnce(&mut Mapping)) -> Vec<String> {
    let mut fields = mapping(RecordType::CoreTransaction, &CORE);
    change(&mut fields);
    told(&fields)
}

fn told(fields: &Mapping) -> Vec<String> {
    check(fields).into_iter().map(|(field, what)| format!("{field}: {what}")).collect()
}

fn set(fields: &mut Mapping, name: &str, column: FieldColumn) {
    fields.columns.insert(name.to_owned(), column);
}

const NOTHING: [&str; 0] = [];

#[test]
fn whole_mappings_have_nothing_wrong() {
    for record in RecordType::ALL {
        assert_eq!(told(&whole(record)), NOTHING, "{}", record.name());
        let mut by_id = whole(record);
        set(&mut by_id, EVENT_ID, column("event"));
        assert_eq!(told(&by_id), NOTHING, "{}", record.name());
        let preset = Mapping { columns: marqeta(record), ..whole(record) };
        assert_eq!(told(&preset), NOTHING, "{}", record.name());
    }
    assert_eq!(core(|_| {}), NOTHING);
}

#[test]
fn a_field_that_is_not_published_is_told_with_the_one_that_was_meant() {
    let table = [
        ("ammount", "is no field of `coreTransaction`; did you mean `amount`?"),
        ("user_id", "is no field of `coreTransaction`; did you mean `userId`?"),
        ("referringPartnerUserId", "is no field of `coreTransaction`; did you mean `userId`?"),
        ("mcc", "is no field of `coreTransaction`; it is one of `transaction`"),
        ("matchedOfferId", "is no field of `coreTransaction`; it is one of `matchedTransaction`"),
        (
            "colour",
            "is no field of `coreTransaction`; expected one of `userId`, `transactionId`, `amount`, `currency`, \
             `description`, `direction`, `status`, `settledDate`, `authorizationDate`, `financialInstitutionName`, \
             `financialInstitutionId`, `cardLastFours`",
        ),
    ];
    for (name, what) in table {
        assert_eq!(core(|fields| set(fields, name, column("x"))), [format!("{name}: {what}")]);
    }
    for (name, meant) in
        [("addrState", "merchant.addrState"), ("merchantName", "merchant.name"), ("vmid", "processorMids.mids.vmid")]
    {
        let mut fields = whole(RecordType::Transaction);
        set(&mut fields, name, column("x"));
        assert_eq!(told(&fields), [format!("{name}: is no field of `transaction`; did you mean `{meant}`?")]);
    }
}

#[test]
fn every_required_field_is_mapped_or_has_a_default() {
    assert_eq!(
        told(&mapping(RecordType::CoreTransaction, &[])),
        [
            "userId: is not mapped, and every `coreTransaction` needs it; expected a column or a constant",
            "transactionId: is not mapped, and every `coreTransaction` needs it; expected a column",
            "amount: is not mapped, and every `coreTransaction` needs it; expected a column or a constant",
            "currency: is not mapped, and every `coreTransaction` needs it; expected a column or a constant",
            "description: is not mapped, and every `coreTransaction` needs it; expected a column or a constant",
            "direction: is not mapped, and every `coreTransaction` needs it; expected a column, a constant, or a `sign` that \
         it follows from",
            "settledDate: is not mapped, and every `coreTransaction` needs it; expected a column or a constant",
            "authorizationDate: is not mapped, and every `coreTransaction` needs it; expected a column or a constant",
        ]
    );
    let unsigned = core(|fields| {
        fields.columns.remove("direction");
    });
    assert_eq!(unsigned.len(), 1);
    for sign in [AmountSign::Signed, AmountSign::Inverted] {
        let follows = core(|fields| {
            fields.columns.remove("direction");
            fields.sign = sign;
        });
        assert_eq!(follows, NOTHING);
    }
}

#[test]
fn constants_are_read_as_rows_would_be() {
    let table = [
        ("userId", "  ", "is an empty constant; expected a value, or the field left out"),
        ("transactionId", "1", "is the same text in every row; expected a column"),
        (
            "currency",
            "dollar",
            "the constant `dollar` is no currency with minor units; expected an ISO 4217 code such as USD",
        ),
        ("direction", "D", "the constant `D` is not one of `DEBIT`, `CREDIT`"),
        ("status", "APPROVED", "the constant `APPROVED` is not one of `SETTLED`"),
        ("settledDate", "today", "the constant `today` is no time such as 2025-03-19T14:05:00Z"),
        ("cardLastFours", "12", "the constant `12` is no end of a card number; expected four digits"),
        (
            "amount",
            "1.5",
            "the constant `1.5` has decimals; expected a whole number of minor units (is the column in major units? then \
             say `unit: major`)",
        ),
    ];
    for (name, text, what) in table {
        assert_eq!(core(|fields| set(fields, name, constant(text))), [format!("{name}: {what}")]);
    }
    for (name, text) in [("currency", "eur"), ("direction", "credit"), ("settledDate", "2025-03-19T14:05:00Z")] {
        assert_eq!(core(|fields| set(fields, name, constant(text))), NOTHING, "{name}");
    }
    let major = |currency: FieldColumn, amount: &str| {
        core(|fields| {
            set(fields, "currency", currency);
            set(fields, "amount", FieldColumn { unit: Unit::Major, ..constant(amount) });
        })
    };
    assert_eq!(major(constant("USD"), "1.50"), NOTHING);
    let yen = "amount: the constant `1.50` has 2 decimals; the currency has 0";
    assert_eq!(major(constant("JPY"), "1.50"), [yen]);
    assert_eq!(major(column("currency"), "1.505"), NOTHING, "the row's currency decides");
}

#[test]
fn words_must_become_published_ones() {
    let words = |name: &str, words: &[(&str, &str)]| core(|fields| set(fields, name, worded(name, words)));
    assert_eq!(words("direction", &[("D", "DEBIT"), ("C", "CREDIT"), ("X", "")]), NOTHING);
    assert_eq!(
        words("direction", &[("D", "DEBITT"), ("C", "KREDIT")]),
        [
            "direction: the word `C` becomes `KREDIT`, which is not published; did you mean `CREDIT`?",
            "direction: the word `D` becomes `DEBITT`, which is not published; did you mean `DEBIT`?",
        ]
    );
    assert_eq!(
        words("currency", &[("840", "DOLLAR")]),
        ["currency: the word `840` becomes `DOLLAR`, which is not published; expected an ISO 4217 code such as `USD`",]
    );
    assert_eq!(
        words("description", &[("a", "b")]),
        ["description: `words` are for fields with a closed list of words; this is none",]
    );
    let nothing = core(|fields| {
        set(fields, "direction", FieldColumn { from: constant("X").from, ..worded("", &[("X", "")]) });
    });
    assert_eq!(nothing, ["direction: the constant `X` is mapped to nothing; every row needs a value"]);
}

#[test]
fn units_times_and_fips_belong_to_their_kinds() {
    let zone = TimeFormat::Iso { zone: Some(chrono_tz::Tz::UTC) };
    let wrong = |change: &dyn Fn(FieldColumn) -> FieldColumn| {
        core(|fields| set(fields, "description", change(column("description"))))
    };
    assert_eq!(
        wrong(&|column| FieldColumn { unit: Unit::Major, ..column }),
        ["description: `unit` is for amounts; this is none",]
    );
    assert_eq!(
        wrong(&|column| FieldColumn { time: zone.clone(), ..column }),
        ["description: `format` and `timezone` are for times; this is none",]
    );
    assert_eq!(
        wrong(&|column| FieldColumn { fips: true, ..column }),
        ["description: `fips` is for states; this is none"]
    );
}

#[test]
fn objects_are_mapped_whole() {
    let mut fields = whole(RecordType::Transaction);
    for name in ["merchant.name", "processorMids.mids.vsid"] {
        fields.columns.remove(name);
    }
    assert_eq!(
        told(&fields),
        [
            "merchant.name: is not mapped, and a merchant without its name is not taken",
            "processorMids.mids.vsid: is not mapped, and `processorMids` is taken whole or not at all",
        ]
    );
}

#[test]
fn a_status_that_never_changes_has_its_date_mapped() {
    for record in [RecordType::Transaction, RecordType::HistoricalTransaction] {
        let mut fields = whole(record);
        for name in ["transactionDate", "settledDate"] {
            fields.columns.remove(name);
        }
        assert_eq!(told(&fields), NOTHING, "a status of the row is tested with the row");
        set(&mut fields, "status", constant("APPROVED"));
        assert_eq!(told(&fields), NOTHING);
        set(&mut fields, "status", constant("settled"));
        assert_eq!(told(&fields), ["settledDate: is not mapped, and status SETTLED needs it; expected a column"]);
        set(&mut fields, "status", column("status"));
        fields.columns.remove("authorizationDate");
        assert_eq!(
            told(&fields),
            [": no date is mapped, and every status needs one; expected some of `authorizationDate`, `settledDate`, \
             `transactionDate`",]
        );
    }
}

#[test]
fn a_payment_type_that_never_changes_decides_what_may_be_mapped() {
    let mut fields = whole(RecordType::MatchedTransaction);
    set(&mut fields, "paymentType", constant("CASH"));
    assert_eq!(
        told(&fields),
        [
            "cardBIN: must be omitted when `paymentType` is CASH",
            "cardLastFour: must be omitted when `paymentType` is CASH",
            "cardNetwork: must be omitted when `paymentType` is CASH",
            "cardProductId: must be omitted when `paymentType` is CASH",
        ]
    );
    set(&mut fields, "paymentType", constant("CARD"));
    fields.columns.remove("cardLastFour");
    assert_eq!(
        told(&fields),
        ["cardLastFour: is not mapped, and a matched purchase by CARD needs it beside `matchedOfferId`",]
    );
}

#[test]
fn an_event_key_names_mapped_fields_that_differ() {
    let key = |names: &[&str]| core(|fields| fields.event_key = names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(key(&["transactionId", "settledDate", "status"]), NOTHING);
    assert_eq!(
        key(&["transactionId", "cardLastFours", "transactionId", "amonut"]),
        [
            ": `event_key` names `cardLastFours`, which is not mapped",
            ": `event_key` names `transactionId` twice",
            ": `event_key` names `amonut`, which is no field of `coreTransaction`; did you mean `amount`?",
        ]
    );
    let same = ": `event_key` names only what is the same in every row; expected `transactionId` among them";
    assert_eq!(key(&["status"]), [same]);
    let beside_id = core(|fields| {
        set(fields, EVENT_ID, column("event"));
        fields.event_key = vec!["transactionId".to_owned()];
    });
    assert_eq!(beside_id, [": `event_key` beside a mapped `id`; expected one of them"]);
}

#[test]
fn a_stated_event_id_comes_from_a_column_as_it_is() {
    assert_eq!(
        core(|fields| set(fields, EVENT_ID, constant("1"))),
        ["id: is the same text in every row; expected a column",]
    );
    assert_eq!(
        core(|fields| set(fields, EVENT_ID, worded("event", &[("a", "b")]))),
        ["id: is taken as it is; expected a column and nothing else",]
    );
}
