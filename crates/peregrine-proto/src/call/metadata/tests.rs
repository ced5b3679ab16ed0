//! Tests of metadata: the ways binary values travel, and names that applications may not use.

use proptest::prelude::*;

use super::*;

fn values(headers: &HeaderMap, key: &str) -> Vec<Vec<u8>> {
    metadata_values(headers, key).unwrap().into_iter().map(Vec::from).collect()
}

#[test]
fn binary_values_come_padded_unpadded_joined_and_repeated() {
    let mut headers = HeaderMap::new();
    for value in ["AQ==", "AQ", "AQID,BA==,BQ", " BgcI , CQ ", ""] {
        headers.append("key-bin", HeaderValue::from_static(value));
    }
    let expected: [&[u8]; 8] = [&[1], &[1], &[1, 2, 3], &[4], &[5], &[6, 7, 8], &[9], &[]];
    assert_eq!(values(&headers, "key-bin"), expected);
    assert_eq!(values(&headers, "Key-Bin"), expected);
}

#[test]
fn binary_values_are_written_without_padding() {
    let mut headers = HeaderMap::new();
    append_metadata(&mut headers, "key-bin", [1]).unwrap();
    assert_eq!(headers["key-bin"], "AQ");
}

#[test]
fn a_binary_value_that_is_not_base64_is_an_error_that_names_the_key() {
    let mut headers = HeaderMap::new();
    headers.insert("key-bin", HeaderValue::from_static("***"));
    assert!(metadata_values(&headers, "key-bin").unwrap_err().message().contains("key-bin"));
    let entries: Vec<_> = metadata_entries(&headers).collect();
    assert_eq!(entries, [("key-bin", Bytes::from_static(b"***"))]);
}

#[test]
fn text_values_repeat_and_commas_in_them_mean_nothing() {
    let mut headers = HeaderMap::new();
    append_metadata(&mut headers, "Key", "a, b").unwrap();
    append_metadata(&mut headers, "key", "c").unwrap();
    assert_eq!(values(&headers, "key"), [b"a, b".to_vec(), b"c".to_vec()]);
    insert_metadata(&mut headers, "KEY", "d").unwrap();
    assert_eq!(values(&headers, "key"), [b"d"]);
    assert!(values(&headers, "other").is_empty());
}

#[test]
fn names_that_are_reserved_or_none_are_refused_by_name() {
    let reserved = ["grpc-timeout", "GRPC-own", "grpc-status-details-bin", "content-type", "Te", "connection", "host"];
    let invalid = ["", ":path", "with space", "umlaut-ü", "new\nline"];
    for key in reserved.into_iter().chain(invalid) {
        let mut headers = HeaderMap::new();
        let error = append_metadata(&mut headers, key, "x").unwrap_err();
        assert!(error.message().contains(&format!("{key:?}")), "{error}");
        assert!(insert_metadata(&mut headers, key, "x").is_err());
        assert!(headers.is_empty());
    }
}

#[test]
fn text_that_is_not_printable_ascii_is_refused_by_name() {
    for value in ["ü", "a\nb", "a\tb", "\u{7f}", "\0"] {
        let error = append_metadata(&mut HeaderMap::new(), "some-key", value).unwrap_err();
        assert!(error.message().contains("some-key"), "{error}");
    }
    append_metadata(&mut HeaderMap::new(), "some-key", " ~").unwrap();
}

proptest! {
    #[test]
    fn any_bytes_survive_as_binary_values(expected in proptest::collection::vec(any::<Vec<u8>>(), 0..5)) {
        let mut headers = HeaderMap::new();
        for value in &expected {
            append_metadata(&mut headers, "key-bin", value).unwrap();
        }
        prop_assert_eq!(values(&headers, "key-bin"), expected.clone());
        let entries: Vec<_> = metadata_entries(&headers).map(|(_, value)| Vec::from(value)).collect();
        prop_assert_eq!(entries, expected);
    }
}
