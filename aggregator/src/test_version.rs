//! An aggregator of another version, for tests: files that tests write say what it does not read, and
//! which versions of batches it takes. Never in a build that is deployed.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use shared::batch::{Batch, BatchError};
use shared::limits::BATCH_JSON_BYTES_MAX;

/// How a batch begins that is of version 2, of which so far only tests know: the present format under
/// another number.
const NEXT: &str = "{\"v\":2,";
const PRESENT: &str = "{\"v\":1,";

/// Versions of batches that are taken: those that the file `DAYFLY_TEST_WIRE_FILE` names.
pub fn taken() -> Option<Vec<u8>> {
    let text = file("DAYFLY_TEST_WIRE_FILE")?;
    let versions = text.split_whitespace().map(str::parse);
    versions.collect::<Result<_, _>>().ok()
}

/// What becomes of a batch where that is not as ever: refused where it is of a version that is not
/// taken, or has a string that the file `DAYFLY_TEST_REFUSE_FILE` holds.
pub fn read(bytes: &[u8]) -> Option<Result<Batch, BatchError>> {
    let json = unpacked(bytes)?;
    let is_next = json.starts_with(NEXT);
    let version = if is_next { 2 } else { 1 };
    if taken().is_some_and(|taken| !taken.contains(&version)) {
        let version = version.into();
        return Some(Err(BatchError::Version { version }));
    }
    let batch = match is_next && taken().is_some() {
        true => Batch::decode(&packed(&json.replacen(NEXT, PRESENT, 1))?).ok()?,
        false => Batch::decode(bytes).ok()?,
    };
    let refused = file("DAYFLY_TEST_REFUSE_FILE").is_some_and(|it| batch.strings.contains(&it));
    Some(match refused {
        true => Err(BatchError::Field {
            field: "strings",
            problem: "refused for a test",
        }),
        false => Ok(batch),
    })
}

fn unpacked(bytes: &[u8]) -> Option<String> {
    let mut json = String::new();
    let bound = BATCH_JSON_BYTES_MAX as u64 + 1;
    let unpacked = GzDecoder::new(bytes).take(bound).read_to_string(&mut json);
    unpacked.is_ok().then_some(json)
}

fn packed(json: &str) -> Option<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(json.as_bytes()).ok()?;
    gzip.finish().ok()
}

fn file(variable: &str) -> Option<String> {
    std::fs::read_to_string(std::env::var_os(variable)?).ok()
}
