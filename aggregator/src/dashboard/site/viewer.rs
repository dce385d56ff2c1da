//! Who looks at a site's page: somebody with a role there, or a guest who needs no account.

use super::super::guard::{AtSite, Caller};
use crate::accounts::Role;
use crate::query::Threshold;
use crate::site::Site;

/// See the module.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// What they may do here; `None` for a guest.
    pub role: Option<Role>,
    /// Their account.
    pub account: Option<i64>,
    /// Where the pages of this view are: `/sites/{domain}` and the like.
    pub base: String,
    /// Of whom a guest is told nothing.
    pub threshold: Option<Threshold>,
    /// The page may be part of another one.
    pub may_embed: bool,
}

impl Viewer {
    /// Whoever asks for a page of a site.
    pub fn of(caller: &Caller, at: &AtSite) -> Self {
        Self {
            account: Some(caller.account.id),
            ..Self::member(&at.site, at.role)
        }
    }

    /// Somebody with a role at a site.
    pub fn member(site: &Site, role: Role) -> Self {
        Self {
            role: Some(role),
            account: None,
            base: format!("/sites/{}", site.domain),
            threshold: None,
            may_embed: false,
        }
    }

    /// A guest, who is told nothing of fewer than `k` visitors.
    pub fn guest(site: &Site, base: String, k: u32, now_ms: i64) -> Self {
        let today = site.today(now_ms);
        Self {
            role: None,
            account: None,
            base,
            threshold: (k > 1).then_some(Threshold { k, today }),
            may_embed: true,
        }
    }

    /// Fewer visitors than this are not told of.
    pub fn k(&self) -> Option<u32> {
        self.threshold.map(|threshold| threshold.k)
    }

    /// How many are there now, for this viewer: under a threshold not to the last one, so that
    /// nobody is seen to come.
    pub fn live(&self, visitors: u64) -> String {
        let told = super::super::view::number;
        match self.k().map(u64::from) {
            None => told(visitors),
            Some(k) if visitors < k => format!("fewer than {}", told(k)),
            Some(k) => format!("{} or more", told(visitors / k * k)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_seen_to_come_under_a_threshold() {
        let site = Site {
            id: 1,
            domain: "a.example".into(),
            timezone: crate::site::timezone("UTC").unwrap(),
        };
        let live = |k, n| Viewer::guest(&site, String::new(), k, 0).live(n);
        assert_eq!(live(1, 3), "3");
        assert_eq!(live(5, 0), "fewer than 5");
        assert_eq!(live(5, 4), "fewer than 5");
        assert_eq!(live(5, 9), "5 or more");
        assert_eq!(live(5, 10), "10 or more");
        assert_eq!(Viewer::member(&site, Role::Viewer).live(1), "1");
    }
}
