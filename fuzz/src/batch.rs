//! The wire format: whatever the aggregator reads is within bounds and is written as it was read.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use shared::batch::Batch;
use shared::cube::CUBES;
use shared::limits::{BATCH_ROWS_MAX, BATCH_STRING_BYTES_MAX};
use shared::report::Told;

use super::check;

/// Takes a body as it is sent, and the same bytes as the JSON in it.
pub fn run(data: &[u8]) {
    check(data);
    report(data);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(data).expect("memory");
    check(&gzip.finish().expect("memory"));
}

/// What an edge reports of its delivery is read as it is written.
fn report(json: &[u8]) {
    if let Ok(told) = Told::decode(json) {
        let again = serde_json::to_vec(&told).expect("memory");
        assert_eq!(Told::decode(&again), Ok(told));
    }
}

fn check(body: &[u8]) {
    let batch = match Batch::decode(body) {
        Ok(batch) => batch,
        Err(error) => {
            // The caller is told, whatever it is.
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    check::survives_the_wire(&batch);
    for text in &batch.strings {
        check::text(text, BATCH_STRING_BYTES_MAX);
    }
    let mut rows = 0;
    for cube in CUBES {
        for row in batch.rows(cube).expect("checked when it was read") {
            rows += 1;
            assert!(row.hour <= 24);
            assert_eq!(row.texts.len(), cube.texts().len());
            assert!(
                row.texts
                    .iter()
                    .all(|at| (*at as usize) < batch.strings.len())
            );
            assert!((row.visit_attrs as usize) < batch.visit_attrs.len());
            assert!((row.client_attrs as usize) < batch.client_attrs.len());
            assert!(row.counters.iter().all(|(_, n)| *n > 0));
        }
    }
    assert!(rows <= BATCH_ROWS_MAX);
}
