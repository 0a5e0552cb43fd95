//! `tieout schema`: what editors are told about the files that people write.

use serde_json::Value;
use tieout::commands::schema;

/// Every group of keys in a schema, with where it stands.
fn groups<'s>(schema: &'s Value, at: &str, found: &mut Vec<(String, &'s Value)>) {
    match schema {
        Value::Object(map) => {
            if map.get("properties").is_some_and(Value::is_object) {
                found.push((at.to_owned(), schema));
            }
            for (key, value) in map {
                groups(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| groups(item, at, found)),
        _ => {}
    }
}

#[test]
fn every_group_refuses_unknown_keys() {
    for (name, schema) in [("job", schema::job()), ("project", schema::project()), ("calendar", schema::calendar())] {
        let mut found = Vec::new();
        groups(&schema, name, &mut found);
        assert!(found.len() > 1, "{name}: {} groups", found.len());
        for (at, group) in found {
            assert_eq!(group["additionalProperties"], false, "{at}");
        }
    }
}

#[test]
fn every_key_of_these_files_is_described() {
    for (schema, count) in [(schema::job(), 16), (schema::project(), 16), (schema::calendar(), 6)] {
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(properties.len(), count);
        for (key, property) in properties {
            assert!(property["description"].as_str().is_some_and(|text| !text.is_empty()), "{key} is not described");
        }
    }
}

#[test]
fn the_schemas_name_their_dialect_and_refer_only_to_what_they_hold() {
    for schema in [schema::job(), schema::project(), schema::calendar()] {
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let text = schema.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(schema.pointer(pointer).is_some(), "{pointer} is not there");
        }
        assert!(!text.contains("Sandbox"), "no file can hold a sandbox secret");
    }
}

#[test]
fn a_column_can_be_written_for_every_canonical_field() {
    let schema = schema::job();
    let columns = &schema["$defs"]["InputSpec"]["properties"]["columns"]["properties"];
    for field in tieout::frames::Field::ALL {
        assert!(columns[field.name()].is_object(), "{} is missing", field.name());
    }
}
