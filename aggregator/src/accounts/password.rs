//! Passwords: bcrypt of cost 12 over the SHA-256 of the password in base64, because bcrypt looks at
//! 72 bytes only and stops at a zero byte.
//!
//! A check costs a quarter of a second of a core, on purpose. So there are never more than a few at
//! once, in threads of their own, and whoever comes when a queue of them waits already is told to
//! come back. For a mail address that nobody has the same work is done as for one that somebody has.

use std::fmt;
use std::sync::Arc;

use data_encoding::BASE64;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::{Error, Result};

/// bcrypt's cost; tests of routes are not about it.
const COST: u32 = if cfg!(test) { 4 } else { 12 };
/// Checks at once.
const RUNNING_MAX: usize = 2;
/// Checks that run or wait.
const PLACES: usize = 32;

/// Shortest password, characters.
pub const PASSWORD_CHARS_MIN: usize = 10;
/// Longest password, bytes.
pub const PASSWORD_BYTES_MAX: usize = 1_000;

/// A password as somebody typed it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Password(String);

impl Password {
    /// One to be checked: whatever it is.
    pub fn typed(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// One to be set for the account of a mail address.
    ///
    /// # Errors
    /// It is too short, too long or the address; the text begins with `password`.
    pub fn chosen(text: &str, mail: &str) -> Result<Self> {
        let invalid = |why: String| Err(Error::Invalid(format!("password: {why}")));
        if text.chars().count() < PASSWORD_CHARS_MIN {
            return invalid(format!("it has at least {PASSWORD_CHARS_MIN} characters"));
        }
        if text.len() > PASSWORD_BYTES_MAX {
            return invalid(format!("it has at most {PASSWORD_BYTES_MAX} bytes"));
        }
        let mut chars = text.chars();
        let first = chars.next();
        if chars.all(|c| Some(c) == first) || text.trim().eq_ignore_ascii_case(mail) {
            return invalid("everybody guesses that one first".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    fn prehash(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64.encode(&Sha256::digest(self.0.as_bytes())))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Hashes and checks passwords; see the module.
#[derive(Debug)]
pub struct Passwords {
    cost: u32,
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::of_cost(COST)
    }
}

impl Passwords {
    fn of_cost(cost: u32) -> Self {
        Self {
            cost,
            places: Arc::new(Semaphore::new(PLACES)),
            running: Arc::new(Semaphore::new(RUNNING_MAX)),
        }
    }

    /// What is stored of a password.
    ///
    /// # Errors
    /// [`Error::Busy`], or the system has no random source.
    pub async fn hash(&self, password: Password) -> Result<String> {
        let cost = self.cost;
        let hashed = self.work(move || bcrypt::hash(password.prehash().as_bytes(), cost));
        hashed.await?.map_err(|_| Error::Random)
    }

    /// Whether a password is that of what is stored. With nothing stored, as for an address that
    /// nobody has, the same is done, and the answer is no.
    ///
    /// # Errors
    /// [`Error::Busy`].
    pub async fn is_right(&self, password: Password, stored: Option<&str>) -> Result<bool> {
        let hash = stored.map_or_else(|| nobodys(self.cost), str::to_owned);
        let checked = self.work(move || bcrypt::verify(password.prehash().as_bytes(), &hash));
        let is_right = checked.await?.unwrap_or(false);
        Ok(is_right && stored.is_some())
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| Error::Busy)?;
        let turn = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| Error::Busy)?;
        // Kept until the work is done, also when whoever asked has gone.
        let held: [OwnedSemaphorePermit; 2] = [place, turn];
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(held);
            done
        });
        done.await.map_err(|_| Error::Busy)
    }
}

#[cfg(test)]
impl Passwords {
    /// Keeps every check waiting for as long as what it gives is kept.
    pub(crate) async fn hold(&self) -> OwnedSemaphorePermit {
        let all = u32::try_from(RUNNING_MAX).unwrap();
        let running = Arc::clone(&self.running);
        running.acquire_many_owned(all).await.unwrap()
    }

    /// Waits until a check waits.
    pub(crate) async fn until_one_waits(&self) {
        while self.places.available_permits() == PLACES {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}

/// A hash that no password has: bcrypt's own form, of zeros.
fn nobodys(cost: u32) -> String {
    format!("$2b${cost:02}${}", ".".repeat(53))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn passwords_beyond_72_bytes_work_and_differ() {
        let passwords = Passwords::default();
        let long = "x1".repeat(60);
        let hash = passwords
            .hash(Password::chosen(&long, "a@b.example").unwrap())
            .await
            .unwrap();
        assert!(hash.starts_with("$2b$04$"), "{hash}");
        let is_right = async |text: &str, stored: Option<&str>| {
            let typed = Password::typed(text);
            passwords.is_right(typed, stored).await.unwrap()
        };
        assert!(is_right(&long, Some(&hash)).await);
        for other in [
            format!("{long}y"),
            long[..119].to_owned(),
            long[..72].to_owned(),
        ] {
            assert!(!is_right(&other, Some(&hash)).await);
        }
        // Nor do they end at a zero byte.
        let zero = passwords.hash(Password::typed("a\0b")).await.unwrap();
        assert!(is_right("a\0b", Some(&zero)).await && !is_right("a\0c", Some(&zero)).await);
        assert!(!is_right(&long, None).await);
        assert!(!is_right(&long, Some("nonsense")).await);
        assert_eq!(format!("{:?}", Password::typed("x")), "Password(…)");
    }

    #[test]
    fn what_may_be_chosen() {
        for text in ["correct horse", "öäüöäüöäüö", &"ab".repeat(500)] {
            assert!(Password::chosen(text, "a@b.example").is_ok(), "{text}");
        }
        for text in [
            "",
            "short",
            "123456789",
            "aaaaaaaaaaaaaaa",
            "ADA@example.com",
            &"ab".repeat(501),
        ] {
            let error = Password::chosen(text, "ada@example.com").unwrap_err();
            assert!(error.to_string().starts_with("password: "), "{text}");
        }
    }

    #[tokio::test]
    async fn a_known_and_an_unknown_person_cost_the_same() {
        for cost in [4, 5] {
            let passwords = Passwords::of_cost(cost);
            let made = passwords.hash(Password::typed("right")).await.unwrap();
            let nobodys = nobodys(cost);
            // The same rounds of the same kind of hash…
            assert_eq!(made[..7], nobodys[..7]);
            assert_eq!(made.len(), nobodys.len());
            // …gone through to the end: one that cannot be read would be refused at once.
            for stored in [made, nobodys] {
                assert!(!bcrypt::verify("wrong", &stored).unwrap(), "{stored}");
            }
        }
    }

    #[tokio::test]
    async fn whoever_comes_when_a_queue_waits_is_told_so() {
        let passwords = Passwords::default();
        let held = passwords.hold().await;
        let mut waiting = tokio::task::JoinSet::new();
        let passwords = Arc::new(passwords);
        for _ in 0..PLACES {
            let passwords = Arc::clone(&passwords);
            waiting.spawn(async move { passwords.is_right(Password::typed("x"), None).await });
        }
        while passwords.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = passwords.is_right(Password::typed("x"), None).await;
        assert!(matches!(refused, Err(Error::Busy)));
        drop(held);
        while let Some(answered) = waiting.join_next().await {
            assert!(!answered.unwrap().unwrap());
        }
        assert!(passwords.is_right(Password::typed("x"), None).await.is_ok());
    }
}
