//! The day object: counts one site's local day (or a shard of it) and delivers the counts.
//!
//! What is written when is [`shared::object::Object`]'s to say; this file gives it a Durable
//! Object's storage, alarm and network. State in memory is dropped whenever storage fails, and
//! read anew.
//!
//! Every alarm catches its errors and sets the next one: the platform gives up on an alarm that
//! fails six times.

mod deliver;

use std::cell::{Cell, RefCell};

use shared::call::{About, Call, Header, SealedKey};
use shared::clock::UnixMs;
use shared::handover::Receiver;
use shared::limits::SALT_GRACE_MS;
use shared::object::{Gathered, Name, Object, OpenError, PAUSE_MS_MAX};
use shared::report::Report;
use shared::visitor::DayKey;
use worker::{DurableObject, Env, Error, Request, Response, Result, State, durable_object};

use crate::day_store::DayStore;
use crate::settings::{Settings, settings};
use crate::{platform, sites};

/// The status of an answer that says whom to seal for.
pub const MISDIRECTED: u16 = 421;

/// Steps of closing or of ending visits before others get a turn.
const STEPS: usize = 20;

/// What is told of a day object whose storage another version has written. Nothing of it is touched.
const UNREADABLE: &str =
    "what is stored of this day is of another version of Dayfly: install that edge again";

/// See the module.
#[durable_object(alarm)]
pub struct DayObject {
    state: State,
    env: Env,
    store: DayStore,
    object: RefCell<Option<Object>>,
    /// When the alarm is set to, as far as this life knows.
    armed_ms: Cell<Option<UnixMs>>,
    failures: Cell<u32>,
    /// Not before this is delivery tried again.
    send_from_ms: Cell<UnixMs>,
    /// What was last told of the delivery in this life, and when.
    told: RefCell<Option<(Report, UnixMs)>>,
    /// Everything was deleted; reading would only make empty tables again.
    erased: Cell<bool>,
    /// Whom keys are sealed for, in this life.
    receiver: RefCell<Option<Receiver>>,
    /// The key that was opened last, and how it is known.
    key: RefCell<Option<([u8; 8], DayKey)>>,
    /// What is stored is of a version that is not read here, as after an edge was put back.
    unreadable: Cell<bool>,
}

impl DurableObject for DayObject {
    fn new(state: State, env: Env) -> Self {
        let store = DayStore::new(&state.storage());
        Self {
            state,
            env,
            store,
            object: RefCell::new(None),
            armed_ms: Cell::new(None),
            failures: Cell::new(0),
            send_from_ms: Cell::new(0),
            told: RefCell::new(None),
            erased: Cell::new(false),
            receiver: RefCell::new(None),
            key: RefCell::new(None),
            unreadable: Cell::new(false),
        }
    }

    /// `POST /hits`: a gathered [`Call`], answered 200 after the commit, with a byte per entry.
    /// `POST /me`: what somebody asks [`About`] themselves, answered 200 with a
    /// [`shared::object::Shown`] or null.
    /// Both are answered 421 with a public key when the key was sealed for another life of this object:
    /// to be sealed for that one, and sent again.
    async fn fetch(&self, request: Request) -> Result<Response> {
        let is_about = request.inner().url().ends_with("/me");
        let bytes = platform::take_body(request.inner().array_buffer()).await?;
        // From here to the answer nothing is awaited: one synchronous block, one commit.
        let answer = match is_about {
            true => self.about(&bytes),
            false => self.hits(&bytes),
        };
        if answer.is_err() {
            self.object.replace(None);
        }
        let answer = match answer {
            Ok(answer) => self.arm(&*settings(&self.env)?).await.map(|()| answer),
            Err(error) => Err(error),
        };
        if answer.is_err() && self.unreadable.get() {
            self.tell().await?;
        }
        answer
    }

    async fn alarm(&self) -> Result<Response> {
        self.armed_ms.set(None);
        if let Err(error) = self.turn().await {
            worker::console_error!("day object: {error}");
            self.object.replace(None);
            self.put_off();
        }
        if let Err(error) = self.tell().await {
            worker::console_warn!("day object: its delivery could not be told: {error}");
        }
        if !matches!(self.stored(|object| Ok(object.has_key())), Ok(Some(true))) {
            self.forget_key();
        }
        let armed = match settings(&self.env) {
            Ok(settings) => self.arm(&settings).await,
            Err(error) => Err(error),
        };
        if armed.is_err() {
            self.state.storage().set_alarm(PAUSE_MS_MAX).await?;
        }
        Response::empty()
    }
}

impl DayObject {
    /// Runs `work` on the object, reading it from storage first if it is not in memory; `None`
    /// when nothing is stored and `create` gives nothing.
    fn with<T>(
        &self,
        create: impl FnOnce() -> Result<Option<Object>>,
        work: impl FnOnce(&mut Object) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut slot = self.object.borrow_mut();
        if slot.is_none() && !self.erased.get() {
            let opened = Object::open(&self.store);
            let is_unreadable = matches!(opened, Err(OpenError::Unreadable));
            self.unreadable.set(is_unreadable);
            *slot = opened.map_err(|error| match error {
                OpenError::Store(error) => error,
                OpenError::Unreadable => Error::from(UNREADABLE),
            })?;
        }
        if slot.is_none() {
            *slot = create()?;
            if slot.is_some() {
                self.erased.set(false);
            }
        }
        slot.as_mut().map(work).transpose()
    }

    fn stored<T>(&self, work: impl FnOnce(&mut Object) -> Result<T>) -> Result<Option<T>> {
        self.with(|| Ok(None), work)
    }

    /// The key of a call; `None` when it cannot be opened.
    fn open(&self, sealed: &SealedKey) -> Option<DayKey> {
        let mut known = self.key.borrow_mut();
        if let Some((_, key)) = known.as_ref().filter(|(check, _)| *check == sealed.check) {
            return Some(key.clone());
        }
        let key = sealed.open(self.receiver.borrow().as_ref()?);
        platform::scrub_stack();
        *known = Some((sealed.check, key.clone()?));
        key
    }

    /// Says whom a key is to be sealed for.
    fn ask_for_key(&self) -> Result<Response> {
        let mut receiver = self.receiver.borrow_mut();
        if receiver.is_none() {
            *receiver = Some(platform::receiver()?);
            platform::scrub_stack();
        }
        let receiver = receiver.as_ref().ok_or("no receiver")?;
        let public = receiver.public().to_bytes().to_vec();
        Ok(Response::from_bytes(public)?.with_status(MISDIRECTED))
    }

    /// With the key goes what it was handed over with: what the platform has kept of that no longer
    /// opens.
    fn forget_key(&self) {
        self.key.replace(None);
        self.receiver.replace(None);
    }

    fn hits(&self, bytes: &[u8]) -> Result<Response> {
        let Some(call) = Call::decode_sealed(bytes) else {
            return Response::error("not a call of this version", 400);
        };
        let Some(key) = self.open(&call.header.key) else {
            return self.ask_for_key();
        };
        let call = call.opened(key);
        let gathered = self.with(
            || self.create(&call.header),
            |object| {
                let mut random = Random::default();
                let gathered =
                    object.gather(&self.store, &call, &mut |bytes| random.fill(bytes))?;
                random.checked(gathered)
            },
        )?;
        match gathered.ok_or("no day object")? {
            Gathered::Committed(answers) => Response::from_bytes(answers),
            Gathered::Closed => Response::error("the day is over", 410),
        }
    }

    fn about(&self, bytes: &[u8]) -> Result<Response> {
        let Some(about) = About::decode(bytes) else {
            return Response::error("not a question of this version", 400);
        };
        let Some(key) = self.open(&about.header.key) else {
            return self.ask_for_key();
        };
        let (header, visitor) = (&about.header.with_key(key), &about.visitor);
        if about.forget {
            self.with(
                || self.create(header),
                |object| {
                    let mut random = Random::default();
                    let mut fill = |bytes: &mut [u8]| random.fill(bytes);
                    object.forget(&self.store, header, visitor, &mut fill)?;
                    random.checked(())
                },
            )?;
        }
        let shown = self.stored(|object| object.show(&self.store, header, visitor))?;
        Response::from_json(&shown.flatten())
    }

    fn create(&self, header: &Header) -> Result<Option<Object>> {
        // A request knows the name it was sent to; an alarm after a restart does not.
        let name = self
            .state
            .id()
            .name()
            .ok_or("a day object without a name")?;
        let name: Name = name.parse().map_err(|problem: &str| Error::from(problem))?;
        let mut incarnation = [0; 16];
        platform::random(&mut incarnation)?;
        Ok(Some(Object::create(name, header, incarnation)))
    }

    /// Ends the visits of whoever has gone.
    async fn sweep(&self, now_ms: UnixMs) -> Result<()> {
        if self.stored(|object| Ok(object.is_due_to_sweep(now_ms)))? != Some(true) {
            return Ok(());
        }
        if self.stored(|object| Ok(object.has_key()))? == Some(false)
            && let Some(key) = self.ask_key().await
        {
            self.stored(|object| {
                object.use_key(&key);
                Ok(())
            })?;
        }
        for _ in 0..STEPS {
            let more = self.stored(|object| {
                let mut random = Random::default();
                let more = object.sweep(&self.store, now_ms, &mut |bytes| random.fill(bytes))?;
                random.checked(more)
            })?;
            if more != Some(true) {
                break;
            }
        }
        Ok(())
    }

    /// What an alarm does: close the day if it is over, seal, deliver, and end when all is done.
    async fn turn(&self) -> Result<()> {
        let settings = settings(&self.env)?;
        let now_ms = platform::now_ms();
        if self.stored(|object| Ok(object.is_due_to_close(now_ms)))? == Some(true) {
            self.close(now_ms).await?;
        }
        self.sweep(now_ms).await?;
        self.stored(|object| {
            object.speak(sites::spoken());
            object.seal(&self.store)
        })?;
        if now_ms >= self.send_from_ms.get() {
            self.deliver(&settings).await?;
        }
        if self.stored(|object| Ok(object.is_done(now_ms)))? == Some(true) {
            self.erase().await?;
        }
        Ok(())
    }

    async fn close(&self, now_ms: UnixMs) -> Result<()> {
        let key = match self.stored(|object| Ok(object.has_key()))? {
            Some(true) => None,
            _ => self.ask_key().await,
        };
        let known = self.stored(|object| Ok((object.has_key(), object.close_ms())))?;
        let Some((has_key, close_ms)) = known else {
            return Ok(());
        };
        let in_grace = now_ms < close_ms.saturating_add(SALT_GRACE_MS);
        if key.is_none() && !has_key && in_grace {
            // The salt may still be had within its grace: the visits get their end then.
            self.put_off();
            return Ok(());
        }
        for _ in 0..STEPS {
            let step = self.stored(|object| object.close_step(&self.store, key.as_ref()))?;
            if step != Some(true) {
                break;
            }
        }
        Ok(())
    }

    async fn ask_key(&self) -> Option<DayKey> {
        let name = self.stored(|object| Ok(object.name())).ok()??;
        let asked = sites::ask(&self.env, shared::limits::ROSTER_FRESH_MS).await;
        let (_, issued) = asked.ok()?;
        let found = issued
            .salts
            .iter()
            .find(|salt| salt.site == name.site && salt.date == name.date)?;
        let salt = shared::visitor::Salt::from_wire(&found.salt)?;
        Some(DayKey::new(&salt, name.site, name.date))
    }

    /// Deletes everything: the object ceases to exist.
    async fn erase(&self) -> Result<()> {
        self.object.replace(None);
        self.forget_key();
        self.erased.set(true);
        self.store.forget_tables();
        self.armed_ms.set(None);
        self.state.storage().delete_alarm().await?;
        self.state.storage().delete_all().await?;
        Ok(())
    }

    /// Sets the alarm to when the object must wake, unless it is set to that or earlier.
    async fn arm(&self, settings: &Settings) -> Result<()> {
        let now_ms = platform::now_ms();
        let send_from_ms = self.send_from_ms.get();
        let wake =
            self.stored(|object| Ok(object.wake_ms(now_ms, settings.flush_ms, send_from_ms)))?;
        let Some(wake_ms) = wake else { return Ok(()) };
        if self.armed_ms.get().is_some_and(|armed| armed <= wake_ms) {
            return Ok(());
        }
        self.armed_ms.set(Some(wake_ms));
        let after_ms = wake_ms.saturating_sub(now_ms);
        platform::set_alarm(&self.state.storage(), after_ms).await
    }
}

/// The platform's random source, for who cannot be told that it failed.
#[derive(Default)]
struct Random(Option<Error>);

impl Random {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0 = platform::random(bytes).err().or(self.0.take());
    }

    fn checked<T>(self, value: T) -> Result<T> {
        self.0.map_or(Ok(value), Err)
    }
}
