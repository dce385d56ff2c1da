//! The signature of a request to the aggregator, and the path of a source: what is read before
//! anybody is known to be allowed to ask.

use shared::batch::Source;
use shared::sign::{EdgeKey, Signed, parse_keys};

/// 2026-11-23T00:00:00Z.
const NOW_MS: i64 = 1_795_392_000_000;
const MINE: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";

/// Takes a header, alone, and three lines of method, path and header before a body.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = parse_keys(&text); // Whatever it says, it says.
    source(&text);

    let keys = keys(MINE);
    let plain = Signed {
        method: "POST",
        path: "/edge/v1/batches",
        body: data,
    };
    verify(plain, &text, &keys);
    let mut lines = data.splitn(4, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let [method, path, header, body] = [line(), line(), line(), line()];
    let [method, path, header] = [method, path, header].map(String::from_utf8_lossy);
    let request = Signed {
        method: &method,
        path: &path,
        body,
    };
    verify(request, &header, &keys);

    // Whatever the request, its own signature is good, also beside other keys, and no other's is.
    let signed = request.sign(&keys[0], NOW_MS);
    verify(request, &signed, &keys);
    assert!(request.verify(&signed, &keys, NOW_MS));
    let several = self::keys(&format!("{OTHER}\n{MINE}"));
    assert!(request.verify(&signed, &several, NOW_MS));
    assert!(!request.verify(&signed, &self::keys(OTHER), NOW_MS));
    assert!(!request.verify(&signed, &[], NOW_MS));
    assert!(!request.verify(&signed, &keys, NOW_MS + 301_000));
}

fn keys(text: &str) -> Vec<EdgeKey> {
    parse_keys(text).expect("good keys")
}

/// What is let through says just what the signer would say.
fn verify(request: Signed<'_>, header: &str, keys: &[EdgeKey]) {
    for now_ms in [i64::MIN, 0, i64::MAX] {
        request.verify(header, keys, now_ms);
    }
    if !request.verify(header, keys, NOW_MS) {
        return;
    }
    let t = header
        .strip_prefix("v1 t=")
        .and_then(|rest| rest.split_once(" m="))
        .and_then(|(t, _)| t.parse::<i64>().ok())
        .expect("a header that was let through names its time");
    assert!((t - NOW_MS / 1_000).abs() <= 300);
    let (_, mac) = header.split_once(" m=").expect("and a mark");
    let own = request.sign(&keys[0], t * 1_000);
    assert!(own.ends_with(&mac.to_lowercase()));
}

/// A source that is read from a path is named by the same path.
fn source(path: &str) {
    let segments: Vec<&str> = path.trim_end().split('/').collect();
    let Ok(segments) = <[&str; 4]>::try_from(segments) else {
        return;
    };
    if let Ok(source) = Source::from_path(segments) {
        let path = source.path();
        let again: Vec<&str> = path.rsplit('/').take(4).collect();
        let [incarnation, shard, date, site] = again[..] else {
            panic!("{path} has fewer than four segments");
        };
        let again = Source::from_path([site, date, shard, incarnation]);
        assert_eq!(again, Ok(source));
    }
}
