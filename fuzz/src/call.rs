//! A call to a day object: whatever is read of one can be counted, comes out the same after the
//! object was lost and read again, and is sealed into batches that the aggregator takes.

use shared::batch::Batch;
use shared::call::{CALL_VERSION, Call, Entry, Header, SealedKey, resealed};
use shared::handover::Receiver;
use shared::jiff::civil::{Date, date};
use shared::object::memory::{Kept, Memory};
use shared::object::{Answer, Gathered, Name, Object};
use shared::visitor::{DayKey, Salt};

pub(crate) const DAY: Date = date(2026, 11, 23);
const NAME: Name = Name {
    site: 1,
    date: DAY,
    shard: 0,
};

/// What every call begins with here.
pub(crate) fn header() -> Header {
    Header {
        version: CALL_VERSION,
        id: [1; 16],
        day_start_ms: 1_763_852_400_000,
        day_end_ms: 1_763_938_800_000,
        key: DayKey::new(&Salt::from_random([7; 32]), 1, DAY),
        degraded: false,
        detail: shared::settings::Detail::Cross,
    }
}

/// Takes the entries of a call, and the same bytes as a whole call, as it is sent.
pub fn run(data: &[u8]) {
    let key = header().key;
    if let Some(call) = Call::decode_sealed(data) {
        assert!(
            call.header
                .key
                .open(&Receiver::from_random([5; 32]))
                .is_none()
        );
        let again = SealedKey::unknown(call.header.key.check);
        assert!(resealed(data, again).is_some());
        gather(&call.opened(key));
    }
    let mut bytes = postcard::to_allocvec(&header()).expect("a header");
    bytes.extend_from_slice(data);
    if let Some(call) = Call::decode(&bytes) {
        gather(&call);
    }
}

fn gather(call: &Call) {
    let store = Memory::default();
    let mut object = Object::create(NAME, &call.header, [9; 16]);
    let mut accepted = 0;
    // The second time under another id, as another call: it finds the visitors of the first, and
    // nothing open where the first was sealed.
    for round in 0..2u8 {
        let mut header = call.header.clone();
        header.id[0] ^= round;
        let again = Call {
            header,
            entries: call.entries.clone(),
        };
        let answers = gathered(&mut object, &store, &again);
        let hits = again.entries.iter().zip(&answers);
        let is_hit = |entry: &Entry| matches!(entry, Entry::Hit(_));
        accepted += hits.filter(|(e, a)| is_hit(e) && **a == 0).count() as u64;
        let before = store.kept.borrow().deltas.len();
        let repeated = gathered(&mut object, &store, &again);
        // The object remembers what it committed; a call without entries is nothing to commit.
        if !again.entries.is_empty() {
            assert!(repeated.iter().all(|answer| *answer == 0));
            assert_eq!(store.kept.borrow().deltas.len(), before);
        }

        // A life ends without notice; the next one knows the same.
        if let Some(mut read) = Object::open(&store).expect("what was stored is read") {
            let repeated = gathered(&mut read, &store, &again);
            assert!(again.entries.is_empty() || repeated.iter().all(|answer| *answer == 0));
            object = read;
        }
        object.seal(&store).expect("memory");
        deliver(&mut object, &store, accepted);
        for now_ms in [i64::MIN, 0, call.header.day_start_ms, i64::MAX] {
            object.wake_ms(now_ms, 2_000, 0);
            object.is_due_to_close(now_ms);
            object.is_done(now_ms);
        }
        let noon_ms = call.header.day_start_ms.saturating_add(43_200_000);
        let mut steps = 0;
        while object.sweep(&store, noon_ms, &mut random).expect("memory") {
            steps += 1;
            assert!(steps < 100, "a sweep ends");
        }
        object.seal(&store).expect("memory");
        deliver(&mut object, &store, accepted);
    }

    let mut steps = 0;
    while object.close_step(&store, None).expect("memory") {
        steps += 1;
        assert!(steps < 100, "a day ends");
    }
    let is_left = |kept: &Kept| !kept.visitors.is_empty() || !kept.log.is_empty();
    assert!(!is_left(&store.kept.borrow()));
    object.seal(&store).expect("memory");
    let last = deliver(&mut object, &store, accepted).expect("a last batch");
    assert!(last.closed);
    assert!(store.kept.borrow().deltas.is_empty());
    assert!(matches!(
        object.gather(&store, call, &mut random),
        Ok(Gathered::Closed | Gathered::Committed(_))
    ));
}

fn gathered(object: &mut Object, store: &Memory, call: &Call) -> Vec<u8> {
    match object.gather(store, call, &mut random).expect("memory") {
        Gathered::Committed(answers) => {
            assert_eq!(answers.len(), call.entries.len());
            answers
        }
        Gathered::Closed => panic!("the day is open"),
    }
}

/// Takes every waiting batch as the aggregator does; gives the last.
fn deliver(object: &mut Object, store: &Memory, accepted: u64) -> Option<Batch> {
    let mut last = None;
    while let Some((seq, body)) = object.outgoing(store).expect("memory") {
        let batch = match Batch::decode(&body) {
            Ok(batch) => batch,
            Err(error) => panic!("refused: {error}"),
        };
        assert_eq!(batch.seq, seq);
        assert_eq!(batch.hits_total, accepted);
        object
            .answered(store, seq, Answer::Taken, 0)
            .expect("memory");
        last = Some(batch);
    }
    last
}

/// Not random: what is sealed here is secret to nobody, and an input must always do the same.
fn random(bytes: &mut [u8]) {
    bytes.fill(0x55);
}
