//! What a User-Agent says: browser, operating system, kind of device, and whether it is a person.
//!
//! Hand-written ordered tables of product tokens (`browsers`, `systems`, `devices`), all
//! three looked up in one reading of the text, so the time taken is linear in its length and no
//! more than a microsecond or so for a real one. [`is_bot`] is a matter of its own.
//!
//! Coarse on purpose: the browser's major version, the system's version as its users say it, and
//! no device models. A User-Agent is read and forgotten; nothing here keeps one.
//!
//! Cannot be told apart, by design of the browsers: Brave from Chrome (but on iOS), Windows 10
//! from 11, one macOS since 10.15 from another, an iPad from a Mac. `systems` says what is
//! answered then. `tests/data/agents.tsv` holds what a person would say of some 480 real ones.

use std::borrow::Cow;

mod bots;
mod browsers;
mod devices;
mod systems;
mod table;
#[cfg(test)]
mod tests;
mod version;

pub use bots::is_bot;
pub use devices::Device;

/// What a User-Agent says. Whatever it does not say is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent<'a> {
    /// The browser's name, or that of the app the page is shown in.
    pub browser: &'static str,
    /// The browser's major version, at most four digits.
    pub browser_version: &'a str,
    /// The operating system's name.
    pub os: &'static str,
    /// The operating system's version: `10+` for Windows 10 or 11, `18.6`, `14`; `+` is "or later".
    pub os_version: Cow<'a, str>,
    /// The kind of device.
    pub device: Device,
}

/// Reads a User-Agent. Never fails: what is not known is empty.
pub fn classify(user_agent: &str) -> Agent<'_> {
    let (mut browser, mut system, mut device) = (None, None, None);
    for at in table::word_starts(user_agent) {
        browsers::BROWSERS.look(user_agent, at, &mut browser);
        systems::SYSTEMS.look(user_agent, at, &mut system);
        devices::DEVICES.look(user_agent, at, &mut device);
    }
    let (os, os_version) = systems::name_and_version(system, user_agent);
    let (browser, browser_version) = browsers::name_and_version(browser, user_agent, os);
    let device = devices::DEVICES.get(device, user_agent);
    let device = device.map_or(Device::Unknown, |(device, _)| *device);
    Agent {
        browser,
        browser_version,
        os,
        os_version,
        device,
    }
}
