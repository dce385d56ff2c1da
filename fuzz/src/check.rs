//! What several targets say of what comes out.

use shared::batch::Batch;

/// A text that may leave the edge: an aggregator would refuse the batch it is in otherwise.
#[track_caller]
pub fn text(text: &str, bytes_max: usize) {
    assert!(text.len() <= bytes_max, "{} bytes: {text:?}", text.len());
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

/// What leaves the edge is what the aggregator reads, and it is within bounds. Gives the bytes.
#[track_caller]
pub fn survives_the_wire(batch: &Batch) -> Vec<u8> {
    let bytes = batch.encode().expect("a batch can be encoded");
    match Batch::decode(&bytes) {
        Ok(read) => assert_eq!(&read, batch),
        Err(error) => panic!("refused: {error}\n{batch:#?}"),
    }
    bytes
}

/// Cleaning changes nothing the second time, and never makes longer.
#[track_caller]
pub fn cleans(text: &str) {
    let once = shared::path::clean(text);
    assert!(once.len() <= text.len(), "{text:?} became {once:?}");
    assert_eq!(shared::path::clean(&once), once, "from {text:?}");
}
