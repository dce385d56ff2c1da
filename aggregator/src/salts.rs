//! The keeper of the salts: 32 random bytes per site and local date, in memory only (I3).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::civil::Date;
use shared::clock::UnixMs;
use shared::roster::IssuedSalt;
use shared::visitor::{Salt, SiteId};

use crate::error::{Error, Result};
use crate::site::Site;

/// See the module.
#[derive(Debug, Default)]
pub struct SaltKeeper(Mutex<HashMap<(SiteId, Date), Salt>>);

impl SaltKeeper {
    /// The salts that may be used now, for every site; destroys the others. The same salt is
    /// given for the same day as long as this process lives.
    ///
    /// # Errors
    /// The system has no random source.
    pub fn issue(&self, sites: &[Site], now_ms: UnixMs) -> Result<Vec<IssuedSalt>> {
        let wanted: Vec<(SiteId, Date)> = sites
            .iter()
            .flat_map(|site| {
                let dates = site.salt_dates(now_ms);
                dates.into_iter().map(|date| (site.id, date))
            })
            .collect();
        let mut salts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        salts.retain(|day, _| wanted.contains(day));
        let mut issued = Vec::with_capacity(wanted.len());
        for (site, date) in wanted {
            let salt = match salts.entry((site, date)) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => {
                    let mut bytes = [0; 32];
                    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
                    entry.insert(Salt::from_random(bytes))
                }
            };
            issued.push(IssuedSalt {
                site,
                date,
                salt: salt.to_wire(),
                emergency: false,
            });
        }
        Ok(issued)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::limits::SALT_GRACE_MS;

    const DAY_MS: i64 = 86_400_000;

    fn sites() -> Vec<Site> {
        let site = |id| Site {
            id,
            domain: format!("{id}.example"),
            timezone: jiff::tz::TimeZone::UTC,
        };
        vec![site(1), site(2)]
    }

    #[test]
    fn i3_salts_are_random_stay_for_their_day_and_are_destroyed() {
        let keeper = SaltKeeper::default();
        let noon = 20_000 * DAY_MS + DAY_MS / 2;
        let first = keeper.issue(&sites(), noon).unwrap();
        assert_eq!(first.len(), 4);
        let mut distinct: Vec<&str> = first.iter().map(|s| s.salt.as_str()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 4, "one for each site and date");
        let again = keeper.issue(&sites(), noon + 1).unwrap();
        assert!(first.iter().zip(&again).all(|(a, b)| a.salt == b.salt));
        assert_ne!(
            SaltKeeper::default().issue(&sites(), noon).unwrap()[0].salt,
            first[0].salt,
            "derived from nothing"
        );
        let next_day = 20_001 * DAY_MS + SALT_GRACE_MS;
        let next = keeper.issue(&sites(), next_day).unwrap();
        assert!(next.iter().all(|salt| salt.date > first[0].date));
        assert_eq!(keeper.0.lock().unwrap().len(), 4);
    }
}
