//! Pages about mail: what somebody is told of a site, and the links in mails that switch it off.

mod settings;
mod unsubscribe;

use super::guard::{Needs, Pages};
use crate::accounts::Role;

/// Adds the pages.
pub fn add(pages: Pages) -> Pages {
    let viewer = Needs::Site(Role::Viewer);
    pages
        .get("/sites/{domain}/settings/mail", viewer, settings::show)
        .post("/sites/{domain}/settings/mail", viewer, settings::save)
        .get("/unsubscribe/{token}", Needs::Signature, unsubscribe::show)
        .post("/unsubscribe/{token}", Needs::Signature, unsubscribe::stop)
}
