//! How often somebody may guess: five times in a quarter of an hour, per account and per network
//! (IPv4 /24, IPv6 /48). The sixth is refused without looking at it. Who has a mail sent is counted
//! the same way, where every one counts.
//!
//! In memory only, and neither addresses nor networks as they are: what is kept of either is a hash
//! under a key of this process (I1). A server that starts anew begins to count anew, and each of
//! several servers counts what it answers. Both tables are bounded; beyond it the window that began
//! first is forgotten.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use shared::clock::UnixMs;
use zeroize::Zeroizing;

/// Bad ones that are looked at, in a window.
pub const BAD_MAX: u32 = 5;
/// A window, ms; it begins with the first bad one.
pub const WINDOW_MS: i64 = 15 * 60_000;
/// Accounts, and networks, that are remembered.
const REMEMBERED_MAX: usize = 10_000;

type Who = [u8; 16];

#[derive(Debug, Clone, Copy)]
struct Window {
    began_ms: UnixMs,
    bad: u32,
}

impl Window {
    /// Not one that begins in the future, as when the clock was put back.
    fn runs(&self, now_ms: UnixMs, window_ms: i64) -> bool {
        (0..window_ms).contains(&now_ms.saturating_sub(self.began_ms))
    }
}

type Windows = HashMap<Who, Window>;

/// See the module.
pub struct Attempts {
    /// In a window: for an account, and for a network.
    most: [u32; 2],
    key: Zeroizing<[u8; 32]>,
    window_ms: i64,
    /// Of accounts, and of networks.
    windows: Mutex<[Windows; 2]>,
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempts(…)")
    }
}

impl Default for Attempts {
    fn default() -> Self {
        Self::of([BAD_MAX, BAD_MAX], WINDOW_MS)
    }
}

impl Attempts {
    /// So many for an account, and for a network, in a window of so many ms.
    pub fn of(most: [u32; 2], window_ms: i64) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        // Without a random source nothing else of this server works either: no token, no salt.
        let _ = getrandom::fill(&mut *key);
        Self {
            most,
            key,
            window_ms,
            windows: Mutex::default(),
        }
    }
}

/// One that is being looked at; bad until it is said to be good.
#[derive(Debug)]
pub struct Attempt {
    who: [Who; 2],
}

/// Why none is looked at: there were too many. Again in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// Seconds.
    pub retry_after_s: u32,
}

impl Attempts {
    /// Begins to look at one for an account (a mail address, whether somebody has it or not) from a
    /// network. It counts as bad from now on, so that many at once are no way around.
    ///
    /// # Errors
    /// There were too many.
    pub fn begin(
        &self,
        account: &str,
        network: IpAddr,
        now_ms: UnixMs,
    ) -> Result<Attempt, TooMany> {
        let network = match network {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        let who = [
            self.who(b"account", account.as_bytes()),
            self.who(b"network", &network),
        ];
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let full = windows.iter().zip(&who).zip(self.most);
        let full = full.filter_map(|((windows, who), most)| {
            let window = windows.get(who)?;
            let is_full = window.runs(now_ms, self.window_ms) && window.bad >= most;
            is_full.then(|| {
                window
                    .began_ms
                    .saturating_add(self.window_ms)
                    .saturating_sub(now_ms)
            })
        });
        if let Some(wait_ms) = full.max() {
            let retry_after_s = u32::try_from(wait_ms.max(0).div_euclid(1_000) + 1);
            return Err(TooMany {
                retry_after_s: retry_after_s.unwrap_or(u32::MAX),
            });
        }
        for (windows, who) in windows.iter_mut().zip(who) {
            if windows.len() >= REMEMBERED_MAX && !windows.contains_key(&who) {
                make_room(windows, now_ms, self.window_ms);
            }
            let window = windows.entry(who).or_insert(Window {
                began_ms: now_ms,
                bad: 0,
            });
            if !window.runs(now_ms, self.window_ms) {
                *window = Window {
                    began_ms: now_ms,
                    bad: 0,
                };
            }
            window.bad = window.bad.saturating_add(1);
        }
        Ok(Attempt { who })
    }

    /// This one was good so far: it counts no more, those before it do.
    pub fn was_good(&self, attempt: Attempt) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        for (windows, who) in windows.iter_mut().zip(attempt.who) {
            if let Some(window) = windows.get_mut(&who) {
                window.bad = window.bad.saturating_sub(1);
            }
        }
    }

    /// This one has shown all there is to show: the account's bad ones are forgotten. Those of the
    /// network stay, so that nobody clears it with an account of their own.
    pub fn was_proof(&self, attempt: Attempt) {
        let [account, _] = attempt.who;
        self.was_good(attempt);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let [accounts, _] = &mut *windows;
        accounts.remove(&account);
    }

    fn who(&self, kind: &[u8], text: &[u8]) -> Who {
        let mut who = [0; 16];
        // HMAC takes a key of any length.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&*self.key) {
            mac.update(kind);
            mac.update(&[0]);
            mac.update(text);
            let tag = mac.finalize().into_bytes();
            who.iter_mut().zip(tag).for_each(|(to, from)| *to = from);
        }
        who
    }
}

fn make_room(windows: &mut Windows, now_ms: UnixMs, window_ms: i64) {
    windows.retain(|_, window| window.runs(now_ms, window_ms));
    if windows.len() >= REMEMBERED_MAX
        && let Some((&oldest, _)) = windows.iter().min_by_key(|(_, window)| window.began_ms)
    {
        windows.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(n: u8) -> IpAddr {
        IpAddr::from([192, 0, n, 0])
    }

    #[test]
    fn the_sixth_bad_one_is_refused_for_the_account_and_for_the_network() {
        let attempts = Attempts::default();
        for n in 0..5 {
            assert!(attempts.begin("ada", network(n), 1_000).is_ok());
        }
        let refused = attempts.begin("ada", network(9), 2_000).unwrap_err();
        assert_eq!(refused.retry_after_s, 15 * 60);
        let wait_ms = i64::from(refused.retry_after_s) * 1_000;
        // Refused ones count against nobody.
        for name in ["a", "b", "c", "d"] {
            assert!(attempts.begin(name, network(9), 2_000).is_ok());
        }
        assert!(attempts.begin("e", network(9), 2_000).is_ok());
        assert!(attempts.begin("f", network(9), 2_000).is_err());
        assert!(attempts.begin("f", network(8), 2_000).is_ok());
        assert!(attempts.begin("ada", network(8), 2_000 + wait_ms).is_ok());
        // A clock that was put back locks nobody out.
        assert!(attempts.begin("ada", network(7), -5_000_000).is_ok());
    }

    #[test]
    fn a_good_one_is_given_back_and_proof_clears_the_account_alone() {
        let attempts = Attempts::default();
        let begin = |name| attempts.begin(name, network(1), 0);
        for _ in 0..4 {
            begin("ada").unwrap();
        }
        for _ in 0..9 {
            attempts.was_good(begin("ada").unwrap());
        }
        attempts.was_proof(begin("ada").unwrap());
        for n in 2..7 {
            assert!(attempts.begin("ada", network(n), 0).is_ok());
        }
        assert!(begin("bob").is_ok());
        assert!(begin("bob").is_err(), "the network has had its five");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_holds_no_address() {
        let attempts = Attempts::default();
        for n in 0..12_000_u32 {
            let network = IpAddr::from(n.to_be_bytes());
            assert!(attempts.begin(&n.to_string(), network, n.into()).is_ok());
        }
        let windows = attempts.windows.lock().unwrap();
        for windows in &*windows {
            assert_eq!(windows.len(), REMEMBERED_MAX);
        }
        drop(windows);
        assert_eq!(format!("{attempts:?}"), "Attempts(…)");
        let other = Attempts::default();
        assert_ne!(attempts.who(b"x", b"1"), other.who(b"x", b"1"));
    }
}
