//! Card numbers and codes in rows of providers are masked, and all else stays digit by digit.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;
use tieout::providers::masked;

fn row(json: &str) -> String {
    masked::row(&RawValue::from_string(json.to_owned()).unwrap()).get().to_owned()
}

#[test]
fn what_may_be_card_data_is_masked_wherever_it_stands() {
    let table = [
        (r#"{"card_number":"4111111111111111"}"#, r#"{"card_number":"************1111"}"#),
        (r#"{"n":"4111 1111-1111.1111 ok"}"#, r#"{"n":"**** ****-****.1111 ok"}"#),
        (r#"{"n":4111111111111111}"#, r#"{"n":"************1111"}"#),
        (r#"{"a":[{"b":"pan 411111111111111"}]}"#, r#"{"a":[{"b":"pan ***********1111"}]}"#),
        (r#"{"n":"\u0034111111111111111"}"#, r#"{"n":"************1111"}"#),
        (r#"{"4111111111111111":1}"#, r#"{"************1111":1}"#),
        (
            r#"{"cvv":"123","CVC2":7,"securityCode":"1","pin":["1"]}"#,
            r#"{"cvv":"[masked]","CVC2":"[masked]","securityCode":"[masked]","pin":"[masked]"}"#,
        ),
        (r#"{"cvv":null}"#, r#"{"cvv":null}"#),
        (r#"[{"name":"cvv","value":"123"}]"#, r#"[{"name":"cvv","value":"[masked]"}]"#),
        (r#"{"bad":"\ud800"}"#, r#"{"bad":"[masked]"}"#),
    ];
    for (written, masked) in table {
        assert_eq!(row(written), masked, "{written}");
    }
}

#[test]
fn what_is_no_card_data_stays_as_it_was_sent() {
    for written in [
        r#"{"amount":25.00,"small":0.30000000000000004,"big":99999999999,"e":1e3}"#,
        r#"{"id":"1deb214d-f6a6-4546-86fe-55e80593dbb0","at":"2025-03-19T10:00:00.123456Z"}"#,
        r#"{"created_at":1700000000000000,"updatedAt":1700000000000}"#,
        r#"{"pinned":"yes","accidents":"12345","a":1,"a":2,"t":"\u00e9"}"#,
    ] {
        assert_eq!(row(written), written);
    }
    // A number of a card's length is none just because its field is named after a time.
    assert_eq!(row(r#"{"date":4111111111111111}"#), r#"{"date":"************1111"}"#);
}

proptest! {
    #[test]
    fn no_number_of_a_card_survives_and_the_row_stays_json(digits in "[0-9]{12,19}", gap in "[ -]?", before in "[a-z ]{0,5}") {
        let spaced: String = digits.chars().map(|digit| format!("{digit}{gap}")).collect::<Vec<_>>().concat();
        let written = serde_json::json!({ "amount": 12.5, "x": [format!("{before}{spaced}")] }).to_string();
        let masked = row(&written);
        let left: String = masked.chars().filter(char::is_ascii_digit).collect();
        prop_assert_eq!(left, format!("125{}", &digits[digits.len() - 4..]));
        prop_assert!(serde_json::from_str::<Value>(&masked).is_ok());
    }
}

#[test]
fn what_is_nested_without_end_is_left_out() {
    let deep = format!("{}{}{}", "[".repeat(100), "1", "]".repeat(100));
    let masked = row(&deep);
    assert!(masked.contains("[masked]") && serde_json::from_str::<Value>(&masked).is_ok());
}
