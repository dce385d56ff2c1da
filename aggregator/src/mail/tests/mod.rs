//! What is sent by the clock, over a real store, each on both engines; and what it says.

mod alerts;
mod reports;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::date;
use lettre::message::Mailbox;
use shared::clock::{Clock, ManualClock, UnixMs};

use super::{Kind, Letter, Mail, Unsent, schedule};
use crate::accounts::Role;
use crate::salts::SaltKeeper;
use crate::serve::App;
use crate::site::Site;
use crate::store::{MailWish, NewAccount, Place, Store};

pub(crate) const URL: &str = "https://stats.example";

/// An outbox that keeps what it is given, and refuses it when it is told to.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    letters: Arc<Mutex<Vec<Letter>>>,
    refusal: Arc<Mutex<Option<Unsent>>>,
}

impl Kept {
    pub(crate) fn take(&self, letter: &Letter, now_ms: UnixMs) -> Result<(), Unsent> {
        let from: Mailbox = "Stats <stats@example.com>".parse().unwrap();
        letter.message(&from, now_ms)?;
        let refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refusal) = refusal.clone() {
            return Err(refusal);
        }
        self.letters.lock().unwrap().push(letter.clone());
        Ok(())
    }

    /// What was taken since this was asked last.
    pub(crate) fn letters(&self) -> Vec<Letter> {
        std::mem::take(&mut self.letters.lock().unwrap())
    }

    /// The next that is taken, within a second.
    pub(crate) async fn letter(&self) -> Letter {
        for _ in 0..200 {
            if let Some(letter) = self.letters.lock().unwrap().pop() {
                return letter;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("no mail came");
    }

    pub(crate) fn refuse(&self, is_final: Option<bool>) {
        *self.refusal.lock().unwrap() = is_final.map(|is_final| Unsent {
            why: "the test's server takes no mail now (450)".into(),
            told: String::new(),
            is_final,
        });
    }
}

fn ms(text: &str) -> UnixMs {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

/// Everything wanted since the beginning.
fn all() -> MailWish {
    MailWish {
        weekly_ms: Some(0),
        monthly_ms: Some(0),
        spike_ms: Some(0),
        drop_ms: Some(0),
        ..MailWish::default()
    }
}

fn only(kind: Kind) -> MailWish {
    let since = |one: Kind| (one == kind).then_some(0);
    MailWish {
        weekly_ms: since(Kind::Weekly),
        monthly_ms: since(Kind::Monthly),
        spike_ms: since(Kind::Spike),
        drop_ms: since(Kind::Drop),
        ..MailWish::default()
    }
}

/// A server with the site a.example in Kathmandu (+05:45).
struct Server {
    app: App,
    site: Site,
    kept: Kept,
    clock: Arc<ManualClock>,
}

impl Server {
    async fn start(place: &Place, now: &str) -> Self {
        let store = Store::open(place).await.unwrap();
        let on = date(2026, 11, 1);
        store
            .add_site("a.example", "Asia/Kathmandu", on)
            .await
            .unwrap();
        let site = store.site("a.example").await.unwrap().unwrap();
        let clock = Arc::new(ManualClock::at(ms(now)));
        let kept = Kept::default();
        let salts = SaltKeeper::default();
        let app = App::new(
            store,
            salts,
            Vec::new(),
            clock.clone(),
            "http://edge.example",
        )
        .with_mail(Some(Mail::kept(kept.clone(), URL)));
        Self {
            app,
            site,
            kept,
            clock,
        }
    }

    /// Somebody who may see the site; the first is an admin.
    async fn viewer(&self, mail: &str, wish: MailWish) -> i64 {
        let new = NewAccount {
            mail: mail.to_owned(),
            name: "Ada".to_owned(),
            is_admin: false,
            password: "!".to_owned(),
        };
        let store = &self.app.store;
        let account = store
            .add_account(&new, date(2026, 11, 1))
            .await
            .unwrap()
            .unwrap();
        let role = Some(Role::Viewer);
        store.set_role(self.site.id, account, role).await.unwrap();
        store
            .set_mail_wish(self.site.id, account, &wish)
            .await
            .unwrap();
        account
    }

    fn at(&self, now_ms: UnixMs) {
        self.clock.advance_ms(now_ms - self.clock.now_ms());
    }

    /// Looks at what is due; gives what was sent, by address.
    async fn look(&self) -> Vec<Letter> {
        let mail = self.app.mail.as_ref().unwrap();
        let now_ms = self.clock.now_ms();
        schedule::look(&self.app, mail, now_ms).await.unwrap();
        // Alerts are sent in tasks of their own.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let mut letters = self.kept.letters();
        letters.sort_by(|a, b| a.to.cmp(&b.to));
        letters
    }

    async fn look_at(&self, now: &str) -> Vec<Letter> {
        self.at(ms(now));
        self.look().await
    }
}
