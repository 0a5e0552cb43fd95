//! The card of a Kuggar reply: what is kept of it, what never is, and that no error repeats any of it.

use proptest::prelude::*;
use serde_json::{Value, json};
use tieout::providers::kuggar::{Card, CardError};

use crate::support::kuggar::{CARD, CODE, NUMBER, published, with};

fn read(text: &str) -> Result<Card, CardError> {
    Card::read(text.as_bytes())
}

#[track_caller]
fn row(text: &str) -> Value {
    serde_json::from_str(read(text).unwrap().row().get()).unwrap()
}

#[test]
fn the_published_card_is_written_anew_without_number_and_code() {
    let card = read(&published()).unwrap();
    let expected = format!(
        concat!(
            r#"{{"kuggarId":"{}","provider":"WEX","providerId":"RVSKZ1YAEH853FQSFN","cardHolderName":null,"#,
            r#""cardFirstSix":"541333","cardLastFour":"2872","cardExpiry":"03/2026","#,
            r#""validFromDate":"2022-04-19T00:00:00Z","validToDate":"2022-05-19T00:00:00Z","cardLimit":123.450,"#,
            r#""currencyCode":"USD","fundingCurrencyCode":"USD","#,
            r#""enhancedDataFields":[{{"name":"EnhancedDataField1","value":"Value 1"}}],"state":"Updated","#,
            r#""failureReason":null}}"#
        ),
        CARD
    );
    assert_eq!(card.row().get(), expected, "the limit digit by digit as it was sent");
    assert_eq!((card.kuggar_id.as_str(), card.state.as_str()), (CARD, "Updated"));
    assert_eq!((card.first_six.as_deref(), card.last_four.as_deref()), (Some("541333"), Some("2872")));
    assert_eq!((card.limit.as_deref(), card.currency.as_deref()), (Some("123.450"), Some("USD")));
    assert!(!card.is_deleted() && !card.has_failed());
    assert!(!format!("{card:?}").contains("0267"), "{card:?}");
}

#[test]
fn what_is_left_of_a_number_is_six_and_four_digits_whatever_its_form() {
    let of = |number: &str| {
        let card = read(&with(&format!("\"{NUMBER}\""), number)).unwrap();
        (card.first_six, card.last_four)
    };
    let both = |six: &str, four: &str| (Some(six.to_owned()), Some(four.to_owned()));
    assert_eq!(of("\"5413 3302 6742 2872\""), both("541333", "2872"));
    assert_eq!(of("\"5413-3302-6742-2872\""), both("541333", "2872"));
    assert_eq!(of("\"\\u0035413330267422872\""), both("541333", "2872"));
    assert_eq!(of("\"541333******2872\""), both("541333", "2872"));
    assert_eq!(of("\"XXXXXXXXXXXX2872\""), (None, Some("2872".to_owned())));
    assert_eq!(of("null"), (None, None));
}

#[test]
fn what_is_not_known_is_carried_but_for_card_data() {
    let more = format!(
        concat!(
            r#""state": "Updated", "fee": 1.10, "big": 5413330267422872, "note": "paid 5413 3302-6742 2872 twice","#,
            r#" "nested": {{"cvv2": "470", "PAN": "x", "deep": [{{"{number}": true, "card_number": 1, "ok": [1.0, null]}}]}},"#,
            r#" "pairs": [{{"name": "Card Security Code", "value": "470"}}, {{"name": "Ref", "value": "470"}}],"#,
            r#" "cardSecurityCode2": "470", "CardNumber": "{number}", "cardFirstSix": "{number}""#
        ),
        number = NUMBER
    );
    let found = row(&with(r#""state": "Updated""#, &more));
    let known: Value = row(&published());
    let mut expected = known;
    expected["fee"] = json!(1.10);
    expected["big"] = json!("************2872");
    expected["note"] = json!("paid **** ****-**** 2872 twice");
    expected["nested"] = json!({ "deep": [{ "************2872": true, "ok": [1.0, null] }] });
    expected["pairs"] = json!([{ "name": "Card Security Code" }, { "name": "Ref", "value": "470" }]);
    assert_eq!(found, expected);
    let text = read(&with(r#""state": "Updated""#, &more)).unwrap();
    assert!(text.row().get().contains(r#""fee":1.10"#), "numbers stay as they were sent");
}

#[test]
fn texts_of_the_published_card_are_masked_too() {
    let reason = format!("\"failureReason\": \"declined: {NUMBER}\"");
    let card = read(&with("\"failureReason\": null", &reason)).unwrap();
    assert_eq!(card.failure_reason.as_deref(), Some("declined: ************2872"));
    let holder = row(&with("\"cardHolderName\": null", &format!("\"cardHolderName\": \"{NUMBER}\"")));
    assert_eq!(holder["cardHolderName"], "************2872");
    let value = row(&with("\"Value 1\"", "\"5413 3302 6742 2872\""));
    assert_eq!(value["enhancedDataFields"][0]["value"], "**** **** **** 2872");
}

#[test]
fn an_id_of_kuggars_shape_is_no_number_even_where_it_has_digits_only() {
    let id = "12345678-1234-1234-1234-123456789012";
    assert_eq!(read(&with(CARD, id)).unwrap().kuggar_id, id);
    assert_eq!(read(&with(CARD, NUMBER)).unwrap().kuggar_id, "************2872");
}

/// What is told of a reply that is no card; whole.
#[test]
fn what_is_no_card_is_told_without_any_of_it() {
    let line = |line: &str, other: &str| with(line, other);
    let number = format!("\"{NUMBER}\"");
    let cut = published().find(NUMBER).unwrap() + 9;
    let deep = format!("\"state\": \"Updated\", \"deep\": {}{}", "[".repeat(60), "]".repeat(60));
    let cases = [
        (String::new(), "the reply is empty; expected a card"),
        (" \n".to_owned(), "the reply is empty; expected a card"),
        (
            published()[..cut].to_owned(),
            "the reply is no JSON: it breaks at line 6, column 24 (it is not shown, since it may hold a card number)",
        ),
        (
            format!("{} trailing {NUMBER}", published()),
            "the reply is no JSON: it breaks at line 17, column 3 (it is not shown, since it may hold a card number)",
        ),
        (number.clone(), "the reply is no JSON object; expected a card"),
        (format!("[{number}]"), "the reply is no JSON object; expected a card"),
        (line(&number, NUMBER), "`cardNumber` of the card is a number; expected 12 to 19 digits as a text, or null"),
        (
            line(&number, &format!("[{number}]")),
            "`cardNumber` of the card is a list; expected 12 to 19 digits as a text, or null",
        ),
        (
            line(&number, "\"54133302674228721234\""),
            "`cardNumber` of the card is another text; expected 12 to 19 digits as a text, or null",
        ),
        (
            line("123.450", NUMBER),
            "`cardLimit` of the card is a number of more than 11 digits before its point, or 15 in all; expected a decimal \
             number such as 123.45, or null",
        ),
        (
            line("123.450", &format!("1.{NUMBER}")),
            "`cardLimit` of the card is a number of more than 11 digits before its point, or 15 in all; expected a decimal \
             number such as 123.45, or null",
        ),
        (
            line("123.450", "\"123.45\""),
            "`cardLimit` of the card is a text; expected a decimal number such as 123.45, or null",
        ),
        (line("\"WEX\"", NUMBER), "`provider` of the card is a number; expected a text, or null"),
        (line("\"USD\"", "{}"), "`currencyCode` of the card is an object; expected a text, or null"),
        (line("\"Updated\"", "null"), "the card lacks `state`"),
        (line("\"Updated\"", "\"\""), "the card lacks `state`"),
        (line("\"Updated\"", NUMBER), "`state` of the card is a number; expected a text, or null"),
        (line("\"kuggarId\"", "\"id\""), "the card lacks `kuggarId`"),
        (
            line("\"provider\": \"WEX\"", &format!("\"cardNumber\": {number}")),
            "a field of the card stands there twice; expected each once",
        ),
        (
            line("[{\"name\": \"EnhancedDataField1\", \"value\": \"Value 1\"}]", &number),
            "`enhancedDataFields` of the card is a text; expected a list of names and values, or null",
        ),
        (line("\"state\": \"Updated\"", &deep), "the card nests deeper than 32 levels"),
    ];
    for (body, told) in cases {
        assert_eq!(read(&body).unwrap_err().to_string(), told, "{body}");
    }
    let not_text = [published().as_bytes(), b"\xff"].concat();
    assert!(Card::read(&not_text).unwrap_err().to_string().starts_with("the reply is no JSON"));
}

proptest! {
    /// The number, in any form, at any place of the published reply, cut anywhere, or in a field of any name.
    #[test]
    fn no_reply_brings_the_full_number_out(
        at in 0_usize..600,
        cut in 0_usize..3_000,
        separator in "[ -]{0,2}",
        name in "[a-zA-Z]{0,12}",
        quoted in any::<bool>(),
    ) {
        let spaced: Vec<&str> = (0..4).map(|group| &NUMBER[4 * group..4 * group + 4]).collect();
        let spaced = spaced.join(&separator);
        let mut text = published();
        let at = at.min(text.len());
        let inserted = if quoted { format!("\"{name}\": \"{spaced}\",") } else { spaced };
        text.insert_str(at, &inserted);
        text.truncate(cut.max(at));
        let told = match read(&text) {
            Ok(card) => {
                let six_and_four = card.first_six.is_some();
                let row = card.row().get().to_owned();
                // The digits of the limit, the dates and the ids stand beside each other once all else is gone.
                prop_assert!(!row.contains(NUMBER), "{row}");
                prop_assert!(six_and_four || !row.contains("541333"), "{row}");
                format!("{card:?}")
            }
            Err(error) => {
                let told = format!("{error} {error:?}");
                prop_assert!(["5413", "3302", "6742", "2872"].iter().all(|group| !told.contains(group)), "{told}");
                told
            }
        };
        prop_assert!(!told.contains(NUMBER) && !told.contains(&spaced_in("-")) && !told.contains(&spaced_in(" ")));
        prop_assert!(!told.contains(&format!("\"{CODE}\"")), "{told}");
    }
}

fn spaced_in(separator: &str) -> String {
    let groups: Vec<&str> = (0..4).map(|group| &NUMBER[4 * group..4 * group + 4]).collect();
    groups.join(separator)
}
