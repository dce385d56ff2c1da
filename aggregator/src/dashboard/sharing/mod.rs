//! Views of a site that need no account: for everybody (`/public/{domain}`) and by a link
//! (`/shared/{token}`), and the page where an owner decides about them.
//!
//! | file | what |
//! |---|---|
//! | `guest.rs` | the views; who is let in to them |
//! | `password.rs` | links that ask for a password |
//! | `settings.rs` | the owner's page |
//!
//! What does not open, for whatever reason, is the same 404. What a guest is told is the site's page
//! (`dashboard/site`) for a viewer without a role, and nothing of few visitors (`query/threshold.rs`).

mod guest;
mod password;
mod settings;
#[cfg(test)]
mod tests;

use super::guard::{Needs, Pages};
use crate::accounts::Role;

/// Adds the pages.
pub fn add(pages: Pages) -> Pages {
    let owner = Needs::Site(Role::Owner);
    pages
        .get("/public/{domain}", Needs::Guest, guest::public)
        .get(
            "/public/{domain}/list/{list}",
            Needs::Guest,
            guest::public_list,
        )
        .get("/shared/{token}", Needs::Guest, guest::shared)
        .post("/shared/{token}", Needs::Guest, password::give)
        .get(
            "/shared/{token}/list/{list}",
            Needs::Guest,
            guest::shared_list,
        )
        .get("/sites/{domain}/settings/sharing", owner, settings::show)
        .post(
            "/sites/{domain}/settings/sharing/public",
            owner,
            settings::public,
        )
        .post(
            "/sites/{domain}/settings/sharing/links",
            owner,
            settings::make,
        )
        .post(
            "/sites/{domain}/settings/sharing/revoke",
            owner,
            settings::revoke,
        )
}
