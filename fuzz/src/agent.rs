//! The User-Agent: whatever it is, it is read in a time linear in its length, and what is said of
//! it is short.

use shared::agent::{classify, is_bot};
use shared::attrs;

/// How long a short text is made to see that its reading does not go back: a second reading of
/// each byte from each byte would be 10⁸ steps, and run into the fuzzer's time limit.
const LONG_BYTES: usize = 16 * 1024;

/// Takes a User-Agent, as lossy UTF-8.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    check(&text);
    // Not every time: it takes a hundred times as long as all the rest.
    if (1..32).contains(&text.len()) && data.iter().fold(0u8, |a, b| a.wrapping_add(*b)) < 8 {
        let long = text.repeat(LONG_BYTES / text.len());
        check(&long);
        is_bot(&format!("Mozilla/5.0 ({long}"));
    }
    for (at, _) in text.char_indices().take(4) {
        check(text.get(at..).unwrap_or_default());
    }
}

fn check(text: &str) {
    assert_eq!(is_bot(text), is_bot(text));
    let agent = classify(text);
    let version = agent.browser_version;
    assert!(version.len() <= 4, "{version:?}");
    assert!(version.bytes().all(|b| b.is_ascii_digit()), "{version:?}");
    let version = &agent.os_version;
    assert!(version.len() <= 9, "{version:?}");
    let in_version = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+');
    assert!(version.bytes().all(in_version), "{version:?}");
    assert!(agent.os_version.is_empty() || !agent.os.is_empty());
    let client = attrs::client("DE", text);
    assert_eq!(client[0], "DE");
    assert_eq!(client[1], agent.device.as_str());
}
