//! What becomes of an event that was read: the steps of the edge, with what is known outright in
//! the place of what would be concluded.

use shared::address::ClientAddress;
use shared::attribution::Attribution;
use shared::attrs::{TRAFFIC_LEN, Traffic, traffic_of};
use shared::beacon::{Sender, decide};
use shared::call::Entry;
use shared::channel::Channel;
use shared::country;
use shared::event::Event;
use shared::referrer::Referrer;
use shared::rules::Rules;
use shared::source;

use super::days::LocalDays;
use super::sort::Key;
use super::told::{Bad, Known, Told};
use crate::clock::day_number;

/// See the module.
pub struct Judge<'r> {
    rules: &'r Rules,
    days: LocalDays,
}

impl<'r> Judge<'r> {
    /// By a site's rules, on its days.
    pub const fn new(rules: &'r Rules, days: LocalDays) -> Self {
        Self { rules, days }
    }

    /// Writes what is counted of an event to `bytes`: a [`shared::call::Entry`], in which nobody
    /// has more of a name than a hash. Gives where it belongs.
    ///
    /// # Errors
    /// Its time is none of ours.
    pub fn judge(&mut self, told: &Told, line: u64, bytes: &mut Vec<u8>) -> Result<Key, Bad> {
        let local = self.days.of(told.at_ms)?;
        let since_ms = told.at_ms.saturating_sub(local.day.start_ms);
        let key = Key {
            day: day_number(local.day.date),
            at_ms: u32::try_from(since_ms).unwrap_or(u32::MAX),
            line,
        };
        let address = told.address.unwrap_or(ClientAddress::UNKNOWN);
        let [known_country, ..] = &told.known.client;
        let country = match (known_country, told.address) {
            (Some(country), _) => country.as_str(),
            (None, Some(address)) => country::of_address(address, None),
            (None, None) => "",
        };
        let sender = match &told.user_agent {
            Some(agent) => Sender::new(address, agent, country, false, false),
            None => Sender::without_agent(address, country),
        };
        let counted = match decide(&told.event, &sender, self.rules) {
            Ok(counted) => counted,
            Err(reason) => {
                write(&Entry::Dropped(reason), bytes)?;
                return Ok(key);
            }
        };
        let visitor = match &told.visitor {
            Some(name) => local.hasher.hash_name(name),
            None => local.hasher.hash(address, sender.user_agent),
        };
        let traffic = traffic(&told.event, &told.known, self.rules.clean_paths);
        let mut entry = counted.entry(Some(visitor), key.at_ms / 1_000);
        if let Entry::Hit(hit) = &mut entry {
            for (to, known) in hit.client.iter_mut().zip(&told.known.client) {
                if let Some(known) = known {
                    *to = known;
                }
            }
            if let Some(traffic) = &traffic {
                hit.traffic = traffic.each_ref().map(String::as_str);
            }
        }
        write(&entry, bytes)?;
        Ok(key)
    }
}

fn write(entry: &Entry, bytes: &mut Vec<u8>) -> Result<(), Bad> {
    let taken = std::mem::take(bytes);
    *bytes =
        postcard::to_extend(entry, taken).map_err(|_| Bad::new("", "cannot be written down"))?;
    Ok(())
}

/// Where a visit came from, if anything of that is known outright.
fn traffic(event: &Event, known: &Known, clean_paths: bool) -> Option<Traffic> {
    let has_utm = known.utm.iter().any(Option::is_some);
    if !has_utm && known.source.is_none() && known.channel.is_none() {
        return None;
    }
    let mut attribution = Attribution::parse(event.url.query.as_deref().unwrap_or_default());
    let slots = [
        &mut attribution.source,
        &mut attribution.medium,
        &mut attribution.campaign,
        &mut attribution.content,
        &mut attribution.term,
    ];
    for (slot, known) in slots.into_iter().zip(&known.utm) {
        if let Some(known) = known {
            *slot = Some(known.clone()).filter(|text| !text.is_empty());
        }
    }
    let referrer = event.referrer.as_deref();
    let referrer = referrer.and_then(|text| Referrer::parse(text, &event.url.host));
    // The channel of a source that is named follows from that source.
    let channel = known.source.as_deref().map(|name| {
        let source = source::of(Some(name), None);
        Channel::of(source.as_ref(), &attribution).as_str()
    });
    let mut traffic: [String; TRAFFIC_LEN] =
        traffic_of(attribution, referrer.as_ref(), clean_paths);
    let [of_source, _, of_channel, ..] = &mut traffic;
    if let Some(source) = &known.source {
        of_source.clone_from(source);
    }
    if let Some(channel) = known.channel.as_deref().or(channel) {
        channel.clone_into(of_channel);
    }
    Some(traffic)
}
