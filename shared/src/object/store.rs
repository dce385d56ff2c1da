//! What a day object wants of its storage.

/// The key of a visitor's row.
pub type RowId = [u8; 16];

/// A visitor's row: key, sealed bytes.
pub type VisitorRow = (RowId, Vec<u8>);

/// A dead letter: its number, and why it was refused.
pub type Buried = (u64, String);

/// One change to what is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Replaces the one row of meta.
    Meta(Vec<u8>),
    /// Appends to the dictionary.
    Dict(Vec<u8>),
    /// Appends counts.
    Delta {
        /// The call they came with.
        gather: Option<[u8; 16]>,
        /// [`crate::day::Delta::encode`].
        bytes: Vec<u8>,
    },
    /// Deletes all counts not yet sealed.
    ClearDeltas,
    /// Appends to the log what became of visitors in one commit.
    Log {
        /// One more than the last entry's, ever.
        id: u64,
        /// Sealed.
        bytes: Vec<u8>,
    },
    /// Deletes the entries of the log up to one.
    ClearLog {
        /// The last one.
        id: u64,
    },
    /// Writes visitors' rows, each in the place of what its key held.
    Visitors(Vec<VisitorRow>),
    /// Deletes visitors' rows.
    ForgetVisitors(Vec<RowId>),
    /// Puts a sealed batch into the outbox, waiting.
    Outbox {
        /// Its number.
        seq: u64,
        /// As it is sent.
        body: Vec<u8>,
    },
    /// Marks the batches up to `seq` acknowledged.
    Acknowledged {
        /// The last one.
        seq: u64,
    },
    /// Marks the batches from `seq` waiting again.
    Resend {
        /// The first one.
        seq: u64,
    },
    /// Makes a batch of the outbox a dead letter, and puts another in its place there.
    Bury {
        /// Its number.
        seq: u64,
        /// Why it was refused.
        reason: String,
        /// What is sent in its place.
        blank: Vec<u8>,
    },
    /// Puts a dead letter back into the outbox, in the place of what is there.
    PutBack {
        /// Its number.
        seq: u64,
    },
    /// Deletes a dead letter.
    ForgetDead {
        /// Its number.
        seq: u64,
    },
}

/// Where a day object keeps its state.
pub trait Store {
    /// What can go wrong.
    type Error;

    /// The row of meta; `None` when nothing was ever stored.
    ///
    /// # Errors
    /// Storage failed; so for all that follow.
    fn meta(&self) -> Result<Option<Vec<u8>>, Self::Error>;
    /// The dictionary's rows in the order they were appended.
    fn dicts(&self) -> Result<Vec<Vec<u8>>, Self::Error>;
    /// The deltas in the order they were appended, each with its call.
    #[allow(clippy::type_complexity)]
    fn deltas(&self) -> Result<Vec<(Option<[u8; 16]>, Vec<u8>)>, Self::Error>;
    /// The log, in order: numbers of entries, and what is sealed there.
    fn log(&self) -> Result<Vec<(u64, Vec<u8>)>, Self::Error>;
    /// Those of these visitors' rows that are there, in any order.
    fn visitors(&self, rows: &[RowId]) -> Result<Vec<VisitorRow>, Self::Error>;
    /// Visitors' rows in the order of their keys, from the first after `after`, at most so many.
    fn visitors_after(
        &self,
        after: Option<RowId>,
        most: usize,
    ) -> Result<Vec<VisitorRow>, Self::Error>;
    /// How many batches wait.
    fn waiting(&self) -> Result<u64, Self::Error>;
    /// The waiting batch with the lowest number.
    fn first_waiting(&self) -> Result<Option<(u64, Vec<u8>)>, Self::Error>;
    /// What is in the outbox under a number, whether it waits or not.
    fn outbox_body(&self, seq: u64) -> Result<Option<Vec<u8>>, Self::Error>;
    /// The dead letters, by number.
    fn dead(&self) -> Result<Vec<Buried>, Self::Error>;
    /// A dead letter as it was sent.
    fn dead_body(&self, seq: u64) -> Result<Option<Vec<u8>>, Self::Error>;
    /// Makes all the changes or none.
    fn write(&self, writes: &[Write]) -> Result<(), Self::Error>;
}
