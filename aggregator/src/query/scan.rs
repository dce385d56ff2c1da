//! Reading segments: the rows of one kind of part that a filter lets through, with what they are
//! grouped by. What is done with them is a [`Collect`]or's.
//!
//! Parts are unpacked by threads of their own, as many as there are cores; each has a collector.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rustc_hash::FxHashMap;
use shared::cube::Counter;
use shared::rollup::Place;

use super::block::{Block, Column, Test};
use super::filter::{Filter, Leaf};
use super::range::Range;
use super::texts::{SharedTexts, Texts};
use crate::error::{Error, Result};
use crate::segment::part::{ColumnId, PartReader};
use crate::segment::{CLIENT, HOUR, PartId, TEXT, VISIT, counter_column};
use crate::store::Snapshot;

/// Parts that wait for a thread.
const WAITING_MAX: usize = 4;
/// What is handed to a thread at once, bytes as they are stored: one part or many small ones.
const BATCH_BYTES: usize = if cfg!(test) { 512 } else { 64 * 1024 };
/// Most threads that unpack.
const THREADS_MAX: usize = 4;

/// What a row is grouped by or filtered on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// A place of the row.
    Place(Place),
    /// The same for all rows.
    Always(&'static str),
}

/// Where dimensions stand in a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The part.
    pub part: PartId,
    /// A text of the key that must be this.
    pub fixed: Option<(usize, String)>,
    /// What rows are grouped by.
    pub keys: Vec<At>,
    /// What they must be.
    pub filter: Cond,
    /// What every row must be to be looked at at all, where that is less than the filter.
    pub base: Option<Cond>,
    /// Whether hours matter: to group by, or because the range begins or ends within a day.
    pub hours: bool,
}

/// A filter whose conditions know their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cond {
    /// All of them.
    And(Vec<Cond>),
    /// Any of them.
    Or(Vec<Cond>),
    /// Not it.
    Not(Box<Cond>),
    /// A condition on a place.
    Leaf(At, Arc<Leaf>),
}

impl Cond {
    /// Finds the place of every condition; `None` where one has none.
    pub fn locate(filter: &Filter, at: &impl Fn(&Leaf) -> Option<At>) -> Option<Self> {
        let all = |all: &[Filter]| -> Option<Vec<Self>> {
            all.iter().map(|one| Self::locate(one, at)).collect()
        };
        Some(match filter {
            Filter::And(list) => Self::And(all(list)?),
            Filter::Or(list) => Self::Or(all(list)?),
            Filter::Not(one) => Self::Not(Box::new(Self::locate(one, at)?)),
            Filter::Leaf(leaf) => Self::Leaf(at(leaf)?, Arc::new(leaf.clone())),
        })
    }

    fn places(&self, into: &mut Vec<Place>) {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().for_each(|one| one.places(into)),
            Self::Not(one) => one.places(into),
            Self::Leaf(At::Place(place), _) => into.push(*place),
            Self::Leaf(At::Always(_), _) => {}
        }
    }
}

/// Takes rows, one part after the other.
pub trait Collect: Send + 'static {
    /// Takes a part's.
    ///
    /// # Errors
    /// It is too much.
    fn take(&mut self, block: &Block) -> Result<()>;

    /// Whether parts of a date matter also where the filter lets no row through.
    fn needs_all(&self, _date: i64) -> bool {
        false
    }
}

/// The parts that tell what combinations of attributes stand for, as they are stored: by date and
/// segment.
type Attrs = FxHashMap<(PartId, i64, i64), Vec<u8>>;

/// What threads need to know of a scan.
struct Job {
    located: Located,
    counters: Vec<Counter>,
    attrs: Attrs,
    range: Range,
    texts: SharedTexts,
}

/// One part as it is stored.
type Packed = (i64, i64, Vec<u8>);

/// Gives the rows of the located part in the range to collectors, one for each thread, and gives
/// these back.
///
/// # Errors
/// The database failed, or a collector did.
pub async fn scan<C: Collect>(
    snapshot: &mut Snapshot,
    located: &Located,
    counters: &[Counter],
    range: &Range,
    texts: &SharedTexts,
    collector: impl Fn() -> C,
) -> Result<Vec<C>> {
    let mut places = Vec::new();
    located.filter.places(&mut places);
    if let Some(base) = &located.base {
        base.places(&mut places);
    }
    places.extend(located.keys.iter().filter_map(|key| match key {
        At::Place(place) => Some(*place),
        At::Always(_) => None,
    }));
    let mut kinds: Vec<PartId> = Vec::new();
    for place in places {
        let kind = match place {
            Place::Visit(_) => PartId::VisitAttrs,
            Place::Client(_) => PartId::ClientAttrs,
            _ => continue,
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let mut attrs = Attrs::default();
    if !kinds.is_empty() {
        snapshot
            .parts(&kinds, range.from, range.to, |date, no, kind, bytes| {
                attrs.insert((kind, date, no), bytes.to_vec());
                Ok(())
            })
            .await?;
    }
    let job = Arc::new(Job {
        located: located.clone(),
        counters: counters.to_vec(),
        attrs,
        range: *range,
        texts: texts.clone(),
    });
    // Little is read where it is: to hand it to a thread costs more.
    let mut batch: Vec<Packed> = Vec::new();
    let mut bytes_in_batch = 0;
    let mut threads: Option<Threads<C>> = None;
    let read = snapshot
        .parts(
            &[located.part],
            range.from,
            range.to,
            |date, no, _, bytes| {
                batch.push((date, no, bytes.to_vec()));
                bytes_in_batch += bytes.len();
                if bytes_in_batch < BATCH_BYTES {
                    return Ok(());
                }
                bytes_in_batch = 0;
                let threads = threads.get_or_insert_with(|| Threads::start(&job, &collector));
                threads.send(std::mem::take(&mut batch))
            },
        )
        .await;
    if let Some(threads) = threads {
        let read = read.and_then(|()| threads.send(batch));
        // Why a thread gave up says more than that it did.
        let ended = threads.end().await?;
        return read.map(|()| ended);
    }
    read?;
    let mut one = collector();
    job.give(batch, &mut one, &mut Memory::default())?;
    Ok(vec![one])
}

/// Threads that unpack parts.
struct Threads<C> {
    send: mpsc::SyncSender<Vec<Packed>>,
    running: Vec<tokio::task::JoinHandle<Result<C>>>,
}

impl<C: Collect> Threads<C> {
    fn start(job: &Arc<Job>, collector: &impl Fn() -> C) -> Self {
        let (send, receive) = mpsc::sync_channel::<Vec<Packed>>(WAITING_MAX);
        let receive = Arc::new(Mutex::new(receive));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let running = (0..cores.min(THREADS_MAX)).map(|_| {
            let (receive, job, mut collector) = (receive.clone(), job.clone(), collector());
            tokio::task::spawn_blocking(move || {
                let mut memory = Memory::default();
                loop {
                    let next = {
                        let receive = receive.lock().unwrap_or_else(PoisonError::into_inner);
                        receive.recv()
                    };
                    let Ok(batch) = next else {
                        return Ok(collector);
                    };
                    job.give(batch, &mut collector, &mut memory)?;
                }
            })
        });
        Self {
            send,
            running: running.collect(),
        }
    }

    /// Waits while all of them are busy.
    fn send(&self, batch: Vec<Packed>) -> Result<()> {
        // They are gone only when one of them failed; `end` tells why.
        let flavor = tokio::runtime::Handle::current().runtime_flavor();
        let sent = match flavor {
            tokio::runtime::RuntimeFlavor::MultiThread => {
                tokio::task::block_in_place(|| self.send.send(batch))
            }
            _ => self.send.send(batch),
        };
        sent.map_err(|_| Error::Invalid("reading counts was broken off".into()))
    }

    async fn end(self) -> Result<Vec<C>> {
        drop(self.send);
        let mut collectors = Vec::with_capacity(self.running.len());
        for thread in self.running {
            let ended = thread.await;
            let ended = ended.map_err(|_| Error::Invalid("a thread did not end".into()))?;
            collectors.push(ended?);
        }
        Ok(collectors)
    }
}

/// What a thread remembers from part to part: for every condition, by its address, which texts it
/// holds for, by their numbers.
#[derive(Default)]
struct Memory(FxHashMap<usize, Vec<Option<bool>>>);

impl Memory {
    /// Which of these texts a condition holds for.
    fn table(&mut self, leaf: &Arc<Leaf>, numbers: &[u32], texts: &SharedTexts) -> Vec<bool> {
        let known = self.0.entry(Arc::as_ptr(leaf) as usize).or_default();
        let last = numbers.iter().max().map_or(0, |last| *last as usize + 1);
        known.resize(known.len().max(last), None);
        let holds = |number: &u32| {
            let known = &mut known[*number as usize];
            *known.get_or_insert_with(|| {
                let text = Arc::clone(&lock(texts).strings[*number as usize]);
                leaf.holds(&text)
            })
        };
        numbers.iter().map(holds).collect()
    }
}

impl Job {
    /// Gives the rows of parts to a collector.
    fn give<C: Collect>(
        &self,
        batch: Vec<Packed>,
        collector: &mut C,
        memory: &mut Memory,
    ) -> Result<()> {
        for (date, no, bytes) in batch {
            let needs_all = collector.needs_all(date);
            if let Some(block) = self.block(date, no, &bytes, needs_all, memory)? {
                collector.take(&block)?;
            }
        }
        Ok(())
    }

    /// The rows of a part; `None` where no row can be let through, unless all are needed.
    fn block(
        &self,
        date: i64,
        no: i64,
        bytes: &[u8],
        needs_all: bool,
        memory: &mut Memory,
    ) -> Result<Option<Block>> {
        let mut part = Part {
            job: self,
            reader: PartReader::new(bytes)?,
            date,
            no,
            strings: None,
            columns: FxHashMap::default(),
            attrs: FxHashMap::default(),
        };
        let test = part.test(&self.located.filter, memory)?;
        let test = match &self.located.fixed {
            None => test,
            Some((at, text)) => {
                let number = lock(&self.texts).number(text);
                let numbers = part.strings()?;
                let table = numbers.iter().map(|known| *known == number).collect();
                let values = part.column(TEXT + *at as ColumnId)?;
                Test::and(vec![test, Test::Table(values, table)])
            }
        };
        let base = match &self.located.base {
            Some(base) => part.test(base, memory)?,
            None => Test::Const(true),
        };
        let nothing = |test: &Test| matches!(test, Test::Const(false));
        if nothing(&base) || (nothing(&test) && !needs_all) {
            return Ok(None);
        }
        let keys = self.located.keys.iter();
        let keys = keys.map(|key| part.key(key)).collect::<Result<_>>()?;
        let hours = match self.located.hours {
            true => Some(part.column(HOUR)?),
            false => None,
        };
        let counters = self.counters.iter();
        let counters = counters.map(|counter| part.reader.column(counter_column(*counter), false));
        let counters = counters.collect::<std::result::Result<_, _>>()?;
        Ok(Some(Block {
            date,
            rows: part.reader.rows(),
            keys,
            counters,
            hours,
            range: self.range.is_partial().then_some(self.range),
            base,
            test,
        }))
    }
}

fn lock(texts: &SharedTexts) -> std::sync::MutexGuard<'_, Texts> {
    texts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A part that is being unpacked.
struct Part<'a> {
    job: &'a Job,
    reader: PartReader<'a>,
    date: i64,
    no: i64,
    strings: Option<Arc<Vec<u32>>>,
    columns: FxHashMap<ColumnId, Arc<Vec<u32>>>,
    /// The attributes of visits and of clients: how they are read, and the numbers of their texts.
    attrs: FxHashMap<PartId, Arc<(PartReader<'a>, Vec<u32>)>>,
}

impl Part<'_> {
    fn column(&mut self, id: ColumnId) -> Result<Arc<Vec<u32>>> {
        if let Some(values) = self.columns.get(&id) {
            return Ok(values.clone());
        }
        let by_difference = self.job.located.part.by_difference();
        let values = Arc::new(self.reader.places(id, by_difference(id))?);
        self.columns.insert(id, values.clone());
        Ok(values)
    }

    fn strings(&mut self) -> Result<Arc<Vec<u32>>> {
        if let Some(numbers) = &self.strings {
            return Ok(numbers.clone());
        }
        let numbers = Arc::new(self.numbers(&self.reader)?);
        self.strings = Some(Arc::clone(&numbers));
        Ok(numbers)
    }

    /// The numbers of a part's strings.
    fn numbers(&self, reader: &PartReader) -> Result<Vec<u32>> {
        let strings = reader.strings()?;
        let mut texts = lock(&self.job.texts);
        Ok(strings.iter().map(|text| texts.number(text)).collect())
    }

    /// For each combination of attributes the number of the text of one of them.
    fn attr(&mut self, kind: PartId, at: usize) -> Result<Arc<Vec<u32>>> {
        let known = self.attrs.get(&kind).cloned();
        let attrs = match (known, self.job.attrs.get(&(kind, self.date, self.no))) {
            (Some(known), _) => known,
            (None, None) => return Ok(Arc::default()),
            (None, Some(bytes)) => {
                let reader = PartReader::new(bytes)?;
                let numbers = self.numbers(&reader)?;
                let read = Arc::new((reader, numbers));
                self.attrs.insert(kind, Arc::clone(&read));
                read
            }
        };
        let (reader, numbers) = attrs.as_ref();
        let places = reader.places(at as ColumnId, false)?;
        let number = |place: &u32| numbers.get(*place as usize).copied().unwrap_or(0);
        Ok(Arc::new(places.iter().map(number).collect()))
    }

    /// The column a place is looked up in, and what its values stand for.
    fn look_up(&mut self, place: Place) -> Result<(ColumnId, Arc<Vec<u32>>)> {
        Ok(match place {
            Place::Visit(at) => (VISIT, self.attr(PartId::VisitAttrs, at)?),
            Place::Client(at) => (CLIENT, self.attr(PartId::ClientAttrs, at)?),
            Place::Text(at) => (TEXT + at as ColumnId, self.strings()?),
            Place::Prefix(depth) => {
                let numbers = self.strings()?;
                let mut texts = lock(&self.job.texts);
                let prefix = |number: &u32| {
                    let path = Arc::clone(&texts.strings[*number as usize]);
                    texts.number(shared::marks::prefix(&path, depth))
                };
                (TEXT, Arc::new(numbers.iter().map(prefix).collect()))
            }
        })
    }

    fn key(&mut self, at: &At) -> Result<Column> {
        let (column, numbers) = match at {
            At::Always(text) => {
                let number = lock(&self.job.texts).number(text);
                return Ok(Column::new(None, Arc::new(vec![number])));
            }
            At::Place(place) => self.look_up(*place)?,
        };
        Ok(Column::new(Some(self.column(column)?), numbers))
    }

    /// The condition for these rows. What looks at one column only becomes one table of it.
    fn test(&mut self, cond: &Cond, memory: &mut Memory) -> Result<Test> {
        let mut all = |part: &mut Self, all: &[Cond]| {
            let tests = all.iter().map(|one| part.test(one, memory));
            tests.collect::<Result<Vec<Test>>>()
        };
        Ok(match cond {
            Cond::And(list) => Test::and(all(self, list)?),
            Cond::Or(list) => Test::or(all(self, list)?),
            Cond::Not(one) => Test::not(self.test(one, memory)?),
            Cond::Leaf(At::Always(text), leaf) => Test::Const(leaf.holds(text)),
            Cond::Leaf(At::Place(place), leaf) => {
                let (column, numbers) = self.look_up(*place)?;
                let table = memory.table(leaf, &numbers, &self.job.texts);
                match (table.contains(&true), table.contains(&false)) {
                    (false, _) => Test::Const(false),
                    (true, false) => Test::Const(true),
                    _ => Test::Table(self.column(column)?, table),
                }
            }
        })
    }
}
