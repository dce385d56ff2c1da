//! Every line of the table of delivery, against an aggregator that may refuse, forget and be
//! several.

use super::*;

const NOW: UnixMs = 43_200_000;
const HOUR: i64 = limits::ASK_AGAIN_MS;

/// The aggregator: what it has applied, in order, and what it cannot read.
#[derive(Default, Clone)]
struct Upstream {
    applied: Vec<Vec<u8>>,
    /// A batch with such a string is malformed to it.
    cannot_read: Option<&'static str>,
    /// Every batch is.
    reads_nothing: bool,
}

impl Upstream {
    fn last(&self) -> u64 {
        self.applied.len() as u64
    }

    fn can_read(&self, body: &[u8]) -> bool {
        let batch = Batch::decode(body).unwrap();
        let bad = |text: &String| self.cannot_read.is_some_and(|bad| text.contains(bad));
        !self.reads_nothing && !batch.strings.iter().any(bad)
    }

    fn take(&mut self, seq: u64, body: &[u8]) -> Answer {
        if !self.can_read(body) {
            let reason = "strings: bad\n".into();
            return Answer::Malformed { reason };
        }
        match self.applied.get(seq as usize - 1) {
            Some(known) if known == body => Answer::Taken,
            Some(_) => Answer::Conflict,
            None if seq == self.last() + 1 => {
                self.applied.push(body.to_vec());
                Answer::Taken
            }
            None => Answer::Gap { last: self.last() },
        }
    }

    fn views(&self) -> BTreeMap<String, u64> {
        let mut views = BTreeMap::new();
        for body in &self.applied {
            let batch = Batch::decode(body).unwrap();
            for row in batch.rows(Cube::Pages).unwrap() {
                let page = batch.strings[row.texts[0] as usize].clone();
                let counters = row.counters.iter();
                let of = counters.filter(|(counter, _)| *counter == Counter::Views);
                *views.entry(page).or_default() += of.map(|(_, n)| n).sum::<u64>();
            }
        }
        views
    }

    /// Hits that are counted: those told, but for those set aside.
    fn hits(&self) -> u64 {
        let batches = self.applied.iter().map(|body| Batch::decode(body).unwrap());
        let (mut told, mut aside) = (0, 0);
        for batch in batches {
            told = batch.hits_total;
            aside += batch.set_aside;
        }
        told.checked_add_signed(-aside).unwrap()
    }

    fn last_batch(&self) -> Batch {
        Batch::decode(self.applied.last().unwrap()).unwrap()
    }
}

/// Sends what waits until nothing does or a pause is due, as the edge does.
fn send(object: &mut Object, store: &Memory, upstream: &mut Upstream, now_ms: UnixMs) -> Next {
    for _ in 0..1_000 {
        let Some((seq, body)) = object.outgoing(store).unwrap() else {
            return Next::AtOnce;
        };
        let answer = upstream.take(seq, &body);
        let next = object.answered(store, seq, answer, now_ms).unwrap();
        if next == Next::Slowly {
            return next;
        }
    }
    panic!("it never ends");
}

/// What an alarm does when nothing waits.
fn ask(object: &mut Object, store: &Memory, upstream: &mut Upstream, now_ms: UnixMs) {
    if object.is_due_to_check(now_ms) {
        object.checked(store, upstream.last(), now_ms).unwrap();
        send(object, store, upstream, now_ms);
    }
    let due = object.due_to_try(now_ms);
    if due.is_empty() {
        return;
    }
    for seq in due {
        let letter = object.dead_letter(store, seq).unwrap().unwrap();
        if upstream.can_read(&letter) {
            object.revive(store, seq).unwrap();
        }
    }
    object.tried(now_ms);
    send(object, store, upstream, now_ms);
}

/// A page view of each page, and a batch of it.
fn seal_each(object: &mut Object, store: &Memory, pages: &[&str]) {
    for page in pages {
        let id = store.last_seq() as u8 + 1;
        let call = call(id, &salt(1), &[(id, (*page).to_owned())]);
        gather(object, store, &call).unwrap();
        object.seal(store).unwrap();
    }
}

fn views(pages: &[&str]) -> BTreeMap<String, u64> {
    pages.iter().map(|page| ((*page).to_owned(), 1)).collect()
}

fn refusing(text: &'static str) -> Upstream {
    Upstream {
        cannot_read: Some(text),
        ..Upstream::default()
    }
}

#[test]
fn i7_a_dead_letter_blocks_nothing_is_kept_and_counts_once_when_it_is_read() {
    let store = Memory::default();
    let mut object = new_object();
    let mut upstream = refusing("bad");
    seal_each(&mut object, &store, &["/1", "/bad", "/3"]);
    assert_eq!(
        send(&mut object, &store, &mut upstream, NOW),
        Next::AtOnce,
        "what is behind it is delivered"
    );
    assert_eq!(upstream.views(), views(&["/1", "/3"]));
    assert_eq!(upstream.hits(), 2, "of three that were accepted");
    let report = object.report();
    assert_eq!((report.waiting, report.dead, report.stuck), (0, 1, false));
    assert_eq!(
        (report.hits_total, report.acknowledged, &*report.reason),
        (3, 3, "strings: bad")
    );

    // Asked hourly, and at first in a life.
    assert!(object.due_to_try(NOW + HOUR - 1).is_empty());
    ask(&mut object, &store, &mut upstream, NOW + HOUR);
    assert_eq!(object.report().dead, 1);
    assert!(object.due_to_try(NOW + HOUR).is_empty());
    let mut object = reopen(&store);
    assert_eq!(object.report().dead, 1, "it survives the object");
    assert_eq!(object.due_to_try(NOW + HOUR), [2]);

    upstream.cannot_read = None;
    for _ in 0..3 {
        ask(&mut object, &store, &mut upstream, NOW + 2 * HOUR);
        object = reopen(&store);
    }
    assert_eq!(upstream.views(), views(&["/1", "/bad", "/3"]));
    assert_eq!(upstream.last(), 4, "under a number of its own");
    assert_eq!((upstream.last_batch().hits_total, upstream.hits()), (3, 3));
    assert!(object.report().is_quiet());
    assert!(store.kept.borrow().dead.is_empty());
}

#[test]
fn i7_a_dead_letter_that_another_replica_had_taken_is_found_out() {
    let store = Memory::default();
    let mut object = new_object();
    seal_each(&mut object, &store, &["/bad"]);
    // One replica has applied it, and the answer was lost; another cannot read it.
    let (_, body) = object.outgoing(&store).unwrap().unwrap();
    let mut newer = Upstream::default();
    assert_eq!(newer.take(1, &body), Answer::Taken);
    let reason = "v: not a version".into();
    let answer = Answer::Malformed { reason };
    assert_eq!(
        object.answered(&store, 1, answer, NOW).unwrap(),
        Next::AtOnce
    );
    assert_eq!(object.report().dead, 1);
    object.revive(&store, 1).unwrap();
    assert_eq!(
        (object.report().dead, store.last_seq()),
        (1, 1),
        "not before its blank is acknowledged"
    );
    // The blank meets the letter itself, which takes its place again.
    assert_eq!(send(&mut object, &store, &mut newer, NOW), Next::Slowly);
    assert!(object.report().stuck);
    assert_eq!(send(&mut object, &store, &mut newer, NOW), Next::AtOnce);
    assert!(object.report().is_quiet());
    assert_eq!(newer.views(), views(&["/bad"]));
}

#[test]
fn an_aggregator_that_reads_nothing_is_like_one_that_is_away() {
    let store = Memory::default();
    let mut object = new_object();
    let mut upstream = Upstream {
        reads_nothing: true,
        ..Upstream::default()
    };
    seal_each(&mut object, &store, &["/1", "/2", "/3"]);
    for _ in 0..5 {
        assert_eq!(send(&mut object, &store, &mut upstream, NOW), Next::Slowly);
        object = reopen(&store);
    }
    assert_eq!(send(&mut object, &store, &mut upstream, NOW), Next::Slowly);
    let report = object.report();
    assert_eq!((report.waiting, report.dead, report.stuck), (3, 1, true));
    assert!(object.due_to_try(NOW + 9 * HOUR).is_empty(), "not past it");
    // It is upgraded.
    upstream.reads_nothing = false;
    assert_eq!(send(&mut object, &store, &mut upstream, NOW), Next::AtOnce);
    ask(&mut object, &store, &mut upstream, NOW + HOUR);
    assert_eq!(upstream.views(), views(&["/1", "/2", "/3"]));
    assert!(object.report().is_quiet());
}

/// Found by the simulation: the blank of a letter that was counted since is refused itself.
#[test]
fn i7_a_blank_that_is_refused_after_a_restore_sets_nothing_aside_twice() {
    let store = Memory::default();
    let mut object = new_object();
    let mut upstream = refusing("bad");
    seal_each(&mut object, &store, &["/1", "/bad"]);
    send(&mut object, &store, &mut upstream, NOW);
    upstream.cannot_read = None;
    ask(&mut object, &store, &mut upstream, NOW + HOUR);
    assert_eq!((upstream.last(), upstream.hits()), (3, 2));
    // Restored to a version of before the blank, which reads nothing.
    upstream.applied.truncate(1);
    upstream.reads_nothing = true;
    ask(&mut object, &store, &mut upstream, NOW + 3 * HOUR);
    assert_eq!(object.report().dead, 1);
    upstream.reads_nothing = false;
    send(&mut object, &store, &mut upstream, NOW + 3 * HOUR);
    assert_eq!((upstream.last(), upstream.hits()), (3, 2));
    ask(&mut object, &store, &mut upstream, NOW + 5 * HOUR);
    assert!(object.report().is_quiet());
    assert_eq!(upstream.views(), views(&["/1", "/bad"]));
    assert_eq!((upstream.last(), upstream.hits()), (4, 2));
}

#[test]
fn dead_letters_are_bounded_and_what_is_beyond_waits() {
    let store = Memory::default();
    let mut object = new_object();
    let mut upstream = refusing("bad");
    for n in 0..=limits::DEAD_MAX {
        let page = format!("/bad/{n}");
        let id = (n as u128 + 1).to_be_bytes();
        let call = call_at(id, 60, &salt(1), &[(1, page)]);
        gather(&mut object, &store, &call).unwrap();
        object.seal(&store).unwrap();
        send(&mut object, &store, &mut upstream, NOW);
    }
    let report = object.report();
    assert_eq!(report.dead, limits::DEAD_MAX as u64);
    assert!(report.stuck && report.waiting == 1);
    upstream.cannot_read = None;
    send(&mut object, &store, &mut upstream, NOW);
    ask(&mut object, &store, &mut upstream, NOW + HOUR);
    assert_eq!(upstream.views().len(), limits::DEAD_MAX + 1);
    assert!(object.report().is_quiet());
}

#[test]
fn i12_a_site_that_the_aggregator_does_not_know_is_kept_and_told() {
    let store = Memory::default();
    let mut object = new_object();
    let mut upstream = Upstream::default();
    seal_each(&mut object, &store, &["/1"]);
    send(&mut object, &store, &mut upstream, NOW);
    seal_each(&mut object, &store, &["/2"]);
    let unknown = || Answer::UnknownSite {
        reason: "no site 1\n".into(),
    };
    for _ in 0..3 {
        let next = object.answered(&store, 2, unknown(), NOW).unwrap();
        assert_eq!(next, Next::Slowly);
        let report = object.report();
        assert!(report.stuck && report.unknown_site);
        assert_eq!((report.waiting, &*report.reason), (1, "no site 1"));
        object = reopen(&store);
    }
    // A database that knows it again takes what waits, and is given what it lacks.
    send(&mut object, &store, &mut upstream, NOW);
    assert!(object.report().is_quiet());
    // The same when it is only asked.
    object.site_is_unknown("no site 1");
    assert!(object.report().unknown_site);
    assert!(object.is_due_to_check(NOW + HOUR));
    upstream.applied.clear();
    ask(&mut object, &store, &mut upstream, NOW + HOUR);
    assert!(object.report().is_quiet());
    assert_eq!(upstream.views(), views(&["/1", "/2"]));
}

#[test]
fn i7_a_batch_of_a_version_that_is_not_taken_waits_and_is_no_dead_letter() {
    let store = Memory::default();
    let mut object = new_object();
    object.speak(2);
    seal_each(&mut object, &store, &["/1", "/2"]);
    let bodies = store.bodies_after(0);
    let other = || Answer::OtherVersion {
        reason: "v: of version 1\n".into(),
    };
    for _ in 0..3 {
        let next = object.answered(&store, 1, other(), NOW).unwrap();
        assert_eq!(next, Next::Slowly);
        let report = object.report();
        assert!(report.stuck && report.other_version && !report.unknown_site);
        assert_eq!((report.waiting, report.dead), (2, 0));
        assert_eq!(report.reason, "v: of version 1");
        object = reopen(&store);
    }
    // Its bytes stay what they are, whatever is spoken by now.
    object.speak(1);
    assert_eq!(store.bodies_after(0), bodies);
    object.answered(&store, 1, Answer::Taken, NOW).unwrap();
    object.answered(&store, 2, Answer::Taken, NOW).unwrap();
    assert!(object.report().is_quiet());
    seal_each(&mut object, &store, &["/3"]);
    let (_, body) = object.outgoing(&store).unwrap().unwrap();
    assert_eq!(Batch::decode(&body).unwrap().v, 1);
}

#[test]
fn i7_a_conflict_is_kept_and_tried_slowly() {
    let store = Memory::default();
    let mut object = new_object();
    let mut upstream = Upstream::default();
    seal_each(&mut object, &store, &["/1", "/2"]);
    let another = Batch::empty(object.source(), 1).encode().unwrap();
    upstream.applied.push(another);
    for _ in 0..3 {
        assert_eq!(send(&mut object, &store, &mut upstream, NOW), Next::Slowly);
        let report = object.report();
        assert_eq!((report.waiting, report.dead, report.stuck), (2, 0, true));
        assert!(!report.reason.is_empty());
        object = reopen(&store);
    }
    // An aggregator restored to before it takes both.
    upstream.applied.clear();
    assert_eq!(send(&mut object, &store, &mut upstream, NOW), Next::AtOnce);
    assert_eq!(upstream.views(), views(&["/1", "/2"]));
    assert!(object.report().is_quiet());
}

#[test]
fn i7_an_aggregator_restored_from_a_backup_is_given_what_it_lacks_within_the_hour() {
    for (lacks, is_closed) in [(1, false), (2, false), (4, true), (5, true)] {
        let store = Memory::default();
        let mut object = new_object();
        let mut upstream = refusing("bad");
        seal_each(&mut object, &store, &["/1", "/bad", "/3", "/4"]);
        if is_closed {
            while object.close_step(&store, None).unwrap() {}
            object.seal(&store).unwrap();
        }
        send(&mut object, &store, &mut upstream, NOW);
        let all = upstream.clone();
        let backup = upstream.applied.len() - lacks;
        upstream.applied.truncate(backup);
        assert!(!object.is_due_to_check(NOW + HOUR - 1));
        assert!(object.wake_ms(NOW, 1_000, 0) <= NOW + HOUR, "it wakes");
        assert!(object.is_due_to_check(NOW + HOUR));
        ask(&mut object, &store, &mut upstream, NOW + HOUR);
        assert!(upstream.applied == all.applied, "the very batches");
        assert_eq!(object.report().waiting, 0);
        assert!(!object.is_due_to_check(NOW + HOUR), "not again at once");
    }
}

#[test]
fn i7_what_a_restored_aggregator_lacks_goes_before_what_is_new() {
    let store = Memory::default();
    let mut object = new_object();
    let mut upstream = Upstream::default();
    seal_each(&mut object, &store, &["/1", "/2", "/3"]);
    send(&mut object, &store, &mut upstream, NOW);
    upstream.applied.truncate(1);
    seal_each(&mut object, &store, &["/4"]);
    send(&mut object, &store, &mut upstream, NOW);
    assert_eq!(upstream.last(), 4);
    assert_eq!(upstream.views(), views(&["/1", "/2", "/3", "/4"]));
}

#[test]
fn an_answer_that_makes_no_sense_ends_in_a_pause_and_not_in_a_loop() {
    let store = Memory::default();
    let mut object = new_object();
    seal_each(&mut object, &store, &["/1", "/2"]);
    for last in [1, 2, u64::MAX] {
        let next = object.answered(&store, 1, Answer::Gap { last }, NOW);
        assert_eq!(next.unwrap(), Next::Slowly);
        assert_eq!(object.outgoing(&store).unwrap().unwrap().0, 1);
    }
    // Batches that the aggregator lacks were lost here: told, not sent for ever.
    object.answered(&store, 2, Answer::Taken, NOW).unwrap();
    seal_each(&mut object, &store, &["/3"]);
    store.kept.borrow_mut().outbox.remove(&1);
    let next = object.answered(&store, 3, Answer::Gap { last: 0 }, NOW);
    assert_eq!(next.unwrap(), Next::Slowly);
    assert!(object.report().stuck);
    // Batches that were never sent from here: this storage is an old copy.
    object.answered(&store, 3, Answer::Taken, NOW).unwrap();
    object.checked(&store, 9, NOW).unwrap();
    assert!(object.report().stuck);
    object.checked(&store, 3, NOW).unwrap();
    assert!(object.report().is_quiet());
}

#[test]
fn a_closed_day_with_a_dead_letter_lives_until_that_is_taken() {
    let store = Memory::default();
    let mut object = new_object();
    let mut upstream = refusing("bad");
    seal_each(&mut object, &store, &["/bad"]);
    while object.close_step(&store, None).unwrap() {}
    object.seal(&store).unwrap();
    assert!(
        object.wake_ms(NOW, 1_000, NOW + 60_000) >= NOW + 60_000,
        "what waits is not looked for before it may be sent"
    );
    send(&mut object, &store, &mut upstream, NOW);
    assert!(upstream.last_batch().closed);
    let late = NOW + limits::ACKED_KEPT_MS + HOUR;
    assert!(!object.is_done(late));
    assert!(
        !object.is_due_to_check(late),
        "what was acknowledged may be gone"
    );
    object.tried(late);
    assert_eq!(object.wake_ms(late, 1_000, 0), late + HOUR);
    assert_eq!(object.wake_ms(late + HOUR, 1_000, 0), late + HOUR);
    upstream.cannot_read = None;
    ask(&mut object, &store, &mut upstream, late + HOUR);
    assert_eq!(upstream.views(), views(&["/bad"]));
    assert!(upstream.last_batch().closed, "the day stays closed");
    assert!(!object.is_done(late + HOUR + limits::ACKED_KEPT_MS - 1));
    assert!(object.is_done(late + HOUR + limits::ACKED_KEPT_MS));
}

#[derive(Debug, Clone)]
enum Act {
    View,
    Send,
    /// The answer is lost.
    SendUnheard,
    Ask,
    Crash,
    Break,
    Restore(u8),
    ReadsAll(bool),
    /// Another replica answers from now on.
    Replica,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Two replicas over the same database, of which one cannot read every third batch; both are
    /// restored together.
    #[test]
    fn i7_whatever_is_refused_and_restored_every_view_counts_once(acts in prop::collection::vec(prop_oneof![
        4 => Just(Act::View), 3 => Just(Act::Send), 1 => Just(Act::SendUnheard), 2 => Just(Act::Ask), 1 => Just(Act::Crash),
        1 => Just(Act::Break), 1 => (0..4u8).prop_map(Act::Restore), 1 => any::<bool>().prop_map(Act::ReadsAll), 1 => Just(Act::Replica),
    ], 1..60)) {
        let store = Memory::default();
        let mut object = new_object();
        let mut upstream = Upstream::default();
        let (mut now_ms, mut sent) = (NOW, 0u8);
        for act in acts {
            now_ms += HOUR / 3;
            match act {
                Act::View => {
                    sent += 1;
                    let page = if sent.is_multiple_of(3) { format!("/bad/{sent}") } else { format!("/{sent}") };
                    gather(&mut object, &store, &call(sent, &salt(1), &[(sent, page)])).unwrap();
                    object.seal(&store).unwrap();
                }
                Act::Send => drop(send(&mut object, &store, &mut upstream, now_ms)),
                Act::SendUnheard => {
                    if let Some((seq, body)) = object.outgoing(&store).unwrap() {
                        upstream.take(seq, &body);
                    }
                }
                Act::Ask => ask(&mut object, &store, &mut upstream, now_ms),
                Act::Crash => object = reopen(&store),
                Act::Break => {
                    store.fail(true);
                    let broken = match object.outgoing(&store).unwrap() {
                        Some((seq, body)) => {
                            let answer = upstream.take(seq, &body);
                            object.answered(&store, seq, answer, now_ms).map(drop)
                        }
                        None => object.seal(&store),
                    };
                    store.fail(false);
                    if broken.is_err() {
                        object = reopen(&store);
                    }
                }
                Act::Restore(lacks) => {
                    let left = upstream.applied.len().saturating_sub(lacks.into());
                    upstream.applied.truncate(left);
                }
                Act::ReadsAll(all) => upstream.cannot_read = (!all).then_some("bad"),
                Act::Replica => upstream.cannot_read = match upstream.cannot_read {
                    Some(_) => None,
                    None => Some("bad"),
                },
            }
        }
        // Every page view is a hit, so at any moment what is counted is told.
        let counted: u64 = upstream.views().values().sum();
        prop_assert_eq!(upstream.hits(), counted);
        upstream.cannot_read = None;
        for _ in 0..3 {
            now_ms += 2 * HOUR;
            while send(&mut object, &store, &mut upstream, now_ms) == Next::Slowly {}
            ask(&mut object, &store, &mut upstream, now_ms);
        }
        let views = upstream.views();
        prop_assert_eq!(views.len(), usize::from(sent));
        prop_assert!(views.values().all(|n| *n == 1), "{views:?}");
        prop_assert_eq!(upstream.hits(), u64::from(sent));
        prop_assert!(object.report().is_quiet());
    }
}
