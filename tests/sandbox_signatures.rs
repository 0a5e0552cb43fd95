//! The sandbox's storage signs and checks URLs as AWS publishes it (Signature Version 4, query parameters).

use chrono::TimeDelta;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tieout::sandbox::sigv4::{Refused, Signer, check, presign};

use crate::support::utc;

/// The example of "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)".
const SIGNER: Signer<'_> = Signer {
    access_key: "AKIAIOSFODNN7EXAMPLE",
    secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    region: "us-east-1",
};
const HOST: &str = "examplebucket.s3.amazonaws.com";
const QUERY: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1\
                     %2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&\
                     X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair =
        |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    pairs.iter().map(pair).collect()
}

fn judged(method: &str, path: &str, query: &str, host: &str, now: &str) -> Result<(), Refused> {
    check(SIGNER, method, path, query, &headers(&[("host", host)]), utc(now))
}

#[test]
fn the_published_example_is_signed_and_accepted() {
    let at = utc("2013-05-24T00:00:00Z");
    assert_eq!(presign(SIGNER, "GET", HOST, "/test.txt", at, 86_400), format!("/test.txt?{QUERY}"));
    assert_eq!(judged("GET", "/test.txt", QUERY, HOST, "2013-05-24T12:00:00Z"), Ok(()));
    // The same parameters in another order, and encoded where that was not needed.
    let (rest, signature) = QUERY.rsplit_once('&').unwrap();
    let shuffled = format!("{signature}&{}", rest.replace("us-east-1", "us%2Deast%2d1"));
    assert_eq!(judged("GET", "/test%2Etxt", &shuffled, HOST, "2013-05-24T12:00:00Z"), Ok(()));
}

#[test]
fn a_url_is_good_from_a_quarter_of_an_hour_before_its_date_until_it_expires() {
    let at = |now: &str| judged("GET", "/test.txt", QUERY, HOST, now);
    assert_eq!(at("2013-05-23T23:45:00Z"), Ok(()));
    assert_eq!(at("2013-05-23T23:44:59Z"), Err(Refused::NotYet));
    assert_eq!(at("2013-05-24T23:59:59Z"), Ok(()));
    let until = utc("2013-05-25T00:00:00Z");
    assert_eq!(at("2013-05-25T00:00:00Z"), Err(Refused::Expired { seconds: 86_400, until }));
}

#[test]
fn whatever_else_is_asked_for_has_another_signature() {
    let mismatch = |result: Result<(), Refused>| matches!(result, Err(Refused::Mismatch { .. }));
    let now = "2013-05-24T12:00:00Z";
    assert!(mismatch(judged("PUT", "/test.txt", QUERY, HOST, now)));
    assert!(mismatch(judged("GET", "/test.tx", QUERY, HOST, now)));
    assert!(mismatch(judged("GET", "/test.txt", QUERY, "examplebucket.s3.amazonaws.co", now)));
    assert!(mismatch(judged("GET", "/test.txt", &format!("{QUERY}&versionId=1"), HOST, now)));
    assert!(mismatch(judged("GET", "/test.txt", &QUERY.replace("=86400", "=86401"), HOST, now)));
    assert!(mismatch(judged("GET", "/test.txt", &QUERY.replace("000000Z", "000001Z"), HOST, now)));
    assert!(mismatch(judged("GET", "/test.txt", &QUERY.replace("f604d404", "f604d405"), HOST, now)));
}

#[test]
fn a_query_that_is_no_signature_is_told_by_what_is_wrong() {
    let now = "2013-05-24T12:00:00Z";
    let refused = |query: &str| judged("GET", "/test.txt", query, HOST, now).unwrap_err();
    let parameter = |query: &str| match refused(query) {
        Refused::Parameter(words) => words,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(""), Refused::Unsigned);
    assert_eq!(refused("X-Amz-Expires=900"), Refused::Unsigned);
    assert_eq!(parameter("X-Amz-Signature=x"), "X-Amz-Algorithm is missing");
    assert_eq!(parameter(&QUERY.replace("SHA256", "SHA1")), "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
    assert_eq!(parameter(&QUERY.replace("=86400", "=604801")), "X-Amz-Expires must be from 1 to 604800");
    assert_eq!(parameter(&QUERY.replace("=86400", "=0")), "X-Amz-Expires must be from 1 to 604800");
    assert_eq!(
        parameter(&QUERY.replace("20130524T000000Z", "2013-05-24")),
        "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""
    );
    assert_eq!(
        parameter(&QUERY.replace("us-east-1", "eu-west-1")),
        "X-Amz-Credential must be for the scope 20130524/us-east-1/s3/aws4_request"
    );
    assert_eq!(parameter(&QUERY.replace("=host", "=date")), "X-Amz-SignedHeaders must name host");
    assert_eq!(refused(&QUERY.replace("EXAMPLE%", "OTHER%")), Refused::UnknownKey("AKIAIOSFODNN7OTHER".to_owned()));
}

#[test]
fn an_amz_header_must_be_signed() {
    let came = headers(&[("host", HOST), ("x-amz-acl", "public-read")]);
    let result = check(SIGNER, "GET", "/test.txt", QUERY, &came, utc("2013-05-24T12:00:00Z"));
    assert_eq!(result, Err(Refused::HeaderNotSigned("x-amz-acl".to_owned())));
}

#[test]
fn every_path_that_is_signed_is_accepted() {
    let at = utc("2025-03-19T10:00:00Z");
    for path in ["/storage/b/a file.jsonl", "/storage/b/ä+b=c&d.jsonl", "/storage/b/100%25.jsonl", "/a//b/~x"] {
        let url = presign(SIGNER, "PUT", "127.0.0.1:8080", path, at, 900);
        let (signed, query) = url.split_once('?').unwrap();
        assert!(signed.is_ascii() && !signed.contains(' '), "{signed}");
        let came = headers(&[("host", "127.0.0.1:8080")]);
        let later = at + TimeDelta::seconds(899);
        assert_eq!(check(SIGNER, "PUT", signed, query, &came, later), Ok(()), "{path}");
    }
}
