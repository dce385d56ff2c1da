//! Accounts: who may look at which site, and how they show that they are who they say.
//!
//! | file | what |
//! |---|---|
//! | `role.rs` | what a person may do at a site |
//! | `names.rs` | mail addresses and names as people write them |
//! | `token.rs` | what a cookie or a link holds, and the hash that is stored of it |
//! | `password.rs` | bcrypt, in a bounded number of threads |
//! | `attempts.rs` | how often somebody may guess |
//! | `totp.rs` | codes of the second step, and those that stand in for them |
//!
//! Rows are in `store/accounts.rs`, `logins.rs`, `links.rs`, `roles.rs`; pages in
//! `dashboard/account/`; who is let in is decided in `dashboard/guard.rs`.

pub mod attempts;
pub mod names;
pub mod password;
pub mod role;
pub mod token;
pub mod totp;

use attempts::{Attempts, WINDOW_MS};
use password::Passwords;

pub use role::Role;

/// How long a browser stays logged in, ms.
pub const LOGIN_MS: i64 = 30 * 24 * 3_600_000;
/// How long the code may be waited for once the password was right, ms.
pub const HALF_LOGIN_MS: i64 = 10 * 60_000;
/// How long the link for the first account works, ms.
pub const FIRST_LINK_MS: i64 = 24 * 3_600_000;
/// How long an invitation works, ms.
pub const INVITATION_MS: i64 = 7 * 24 * 3_600_000;
/// How long a link for a new password works, ms.
pub const RESET_MS: i64 = 24 * 3_600_000;
/// The same where it was sent by mail to whoever asked, ms.
pub const RESET_BY_MAIL_MS: i64 = 3_600_000;
/// Invitations by mail in a quarter of an hour: to one address, and from one network.
const INVITATIONS_BY_MAIL: [u32; 2] = [3, 30];

/// Views without an account that one network is shown in a minute.
pub const GUEST_VIEWS_MAX: u32 = 120;
/// Pages, and what belongs to them, that one network is shown in a minute, whoever asks there.
pub const PAGES_MAX: u32 = 6_000;
const MINUTE_MS: i64 = 60_000;

/// What a server knows of log-ins, in memory only.
#[derive(Debug)]
pub struct Accounts {
    /// Checks passwords.
    pub passwords: Passwords,
    /// Counts guesses.
    pub attempts: Attempts,
    /// Counts what is shown to guests, by network.
    pub guests: Attempts,
    /// Counts all other pages, by network.
    pub pages: Attempts,
    /// Counts who asks for a new password by mail.
    pub resets: Attempts,
    /// Counts who is invited by mail.
    pub invitations: Attempts,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            passwords: Passwords::default(),
            attempts: Attempts::default(),
            guests: Attempts::of([GUEST_VIEWS_MAX; 2], MINUTE_MS),
            pages: Attempts::of([PAGES_MAX; 2], MINUTE_MS),
            resets: Attempts::default(),
            invitations: Attempts::of(INVITATIONS_BY_MAIL, WINDOW_MS),
        }
    }
}
