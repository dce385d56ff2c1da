//! Which operating system, and its version as a person says it.
//!
//! Browsers freeze what they say of it, so that a version can mean "this or later":
//!
//! - `Windows NT 10.0` is Windows 10, 11 and Server: `10+`.
//! - `Mac OS X 10_15_7` (and Firefox's `10.15`) is every macOS from 10.15 on: `10.15+`.
//! - `Android 10; K` is Chrome's text for every Android from 10 on: `10+`.
//! - Safari 26 and web views say `iPhone OS 18_6` or `18_7` for ever. Safari's own version is the
//!   system's, so `Version/26.1` means iOS 26.1; without it (an app that does not give the
//!   system's version elsewhere): `18.6+`. Chrome, Edge and Google's app do say the real one.
//! - ChromeOS's number is a build, frozen too: none.
//!
//! An iPad that asks for desktop pages, which is what it does by default, says exactly what a Mac
//! says and is counted as one; but Chrome, Firefox and Edge keep a token of their own for iOS. Distributions of Linux are not told apart: hardly any browser names
//! them.

use std::borrow::Cow;

use super::table::{Found, Table};
use super::version::{after, major_minor};

/// An operating system, and how its version is read.
pub struct System {
    name: &'static str,
    version: Version,
}

enum Version {
    Android,
    Apple,
    /// Major and minor right after the rule's token.
    Here,
    Mac,
    None,
    /// The major number alone, right after the rule's token.
    Major,
    /// This one.
    Is(&'static str),
}

const fn system(name: &'static str, version: Version) -> System {
    System { name, version }
}

/// The table itself.
pub static SYSTEMS: Table<System, { RULES.len() }> = Table::new(RULES);

static RULES: &[(&str, System)] = &[
    // Those that call themselves something else as well, first.
    ("Windows Phone OS ", system("Windows Phone", Version::Here)),
    ("Windows Phone ", system("Windows Phone", Version::Here)),
    ("Xbox", system("Xbox", Version::None)),
    (
        "PlayStation Vita ",
        system("PlayStation Vita", Version::None),
    ),
    ("PlayStation ", system("PlayStation", Version::Major)),
    ("PLAYSTATION ", system("PlayStation", Version::Major)),
    ("Nintendo Switch", system("Nintendo Switch", Version::None)),
    ("Nintendo 3DS", system("Nintendo 3DS", Version::None)),
    ("Nintendo WiiU", system("Wii U", Version::None)),
    ("Tizen ", system("Tizen", Version::Here)),
    ("Tizen/", system("Tizen", Version::Here)),
    ("Tizen", system("Tizen", Version::None)),
    ("Web0S", system("webOS", Version::None)),
    ("webOS", system("webOS", Version::None)),
    ("NetCast", system("NetCast", Version::None)),
    ("VIDAA/", system("VIDAA", Version::Here)),
    ("KAIOS/", system("KaiOS", Version::Here)),
    ("Roku", system("Roku", Version::None)),
    ("OpenHarmony ", system("HarmonyOS", Version::Here)),
    ("HarmonyOS", system("HarmonyOS", Version::None)),
    ("CrKey/", system("Chromecast", Version::None)),
    ("CrOS ", system("ChromeOS", Version::None)),
    ("AppleTV", system("tvOS", Version::Apple)),
    ("Apple TV", system("tvOS", Version::Apple)),
    ("Apple Watch", system("watchOS", Version::Apple)),
    ("Watch OS ", system("watchOS", Version::Here)),
    ("Apple Vision", system("visionOS", Version::None)),
    ("iPad", system("iPadOS", Version::Apple)),
    ("iPhone", system("iOS", Version::Apple)),
    ("iPod", system("iOS", Version::Apple)),
    // Browsers of iOS only, which here say they are on a Mac: an iPad that asks for desktop pages.
    ("CriOS/", system("iPadOS", Version::None)),
    ("FxiOS/", system("iPadOS", Version::None)),
    ("EdgiOS/", system("iPadOS", Version::None)),
    ("BB10", system("BlackBerry", Version::Is("10"))),
    ("BlackBerry", system("BlackBerry", Version::None)),
    ("PlayBook", system("BlackBerry", Version::None)),
    ("Symbian", system("Symbian", Version::None)),
    ("Series60", system("Symbian", Version::None)),
    ("Android 10; K)", system("Android", Version::Is("10+"))),
    ("Android ", system("Android", Version::Android)),
    ("Andr0id ", system("Android", Version::Android)),
    ("Android", system("Android", Version::None)),
    ("Adr ", system("Android", Version::Android)),
    ("Windows NT 10.0", system("Windows", Version::Is("10+"))),
    ("Windows NT 6.3", system("Windows", Version::Is("8.1"))),
    ("Windows NT 6.2", system("Windows", Version::Is("8"))),
    ("Windows NT 6.1", system("Windows", Version::Is("7"))),
    ("Windows NT 6.0", system("Windows", Version::Is("Vista"))),
    ("Windows NT 5.2", system("Windows", Version::Is("XP"))),
    ("Windows NT 5.1", system("Windows", Version::Is("XP"))),
    ("Windows", system("Windows", Version::None)),
    ("Mac OS X ", system("macOS", Version::Mac)),
    ("Mac OS X", system("macOS", Version::None)),
    ("Macintosh", system("macOS", Version::None)),
    ("Fuchsia", system("Fuchsia", Version::None)),
    ("Sailfish", system("Sailfish OS", Version::None)),
    ("Ubuntu", system("Linux", Version::None)),
    ("Linux", system("Linux", Version::None)),
    ("LINUX", system("Linux", Version::None)),
    ("FreeBSD", system("FreeBSD", Version::None)),
    ("OpenBSD", system("OpenBSD", Version::None)),
    ("NetBSD", system("NetBSD", Version::None)),
    ("SunOS", system("Solaris", Version::None)),
    ("Haiku", system("Haiku", Version::None)),
    ("X11", system("Linux", Version::None)),
];

/// Name and version of what was found.
pub fn name_and_version(found: Found, text: &str) -> (&'static str, Cow<'_, str>) {
    let Some((system, rest)) = SYSTEMS.get(found, text) else {
        return ("", Cow::Borrowed(""));
    };
    let version = match system.version {
        Version::None => Cow::Borrowed(""),
        Version::Is(version) => Cow::Borrowed(version),
        Version::Major => Cow::Borrowed(major_minor(rest).map_or("", |(major, _)| major)),
        Version::Here => said(major_minor(rest)),
        Version::Android => match major_minor(rest) {
            // Nobody says "Android 8.0".
            Some((major, "" | "0")) => Cow::Borrowed(major),
            version => said(version),
        },
        Version::Mac => match rest {
            _ if rest.starts_with("10_15_7") => Cow::Borrowed("10.15+"),
            _ if rest.starts_with("10.15;") || rest.starts_with("10.15)") => {
                Cow::Borrowed("10.15+")
            }
            _ => said(major_minor(rest)),
        },
        Version::Apple => apple(text, rest),
    };
    let old = |version: &str| matches!(version.split('.').next(), Some(major) if major.len() == 1 || matches!(major, "10" | "11" | "12"));
    match system.name {
        // Until 12 an iPad ran iOS.
        "iPadOS" if old(&version) => ("iOS", version),
        name => (name, version),
    }
}

fn said<'a>(version: Option<(&'a str, &'a str)>) -> Cow<'a, str> {
    match version {
        None => Cow::Borrowed(""),
        Some((major, "")) => Cow::Borrowed(major),
        Some((major, minor)) => Cow::Owned(format!("{major}.{minor}")),
    }
}

/// The version of iOS and its kin; `rest` is the text after the device's name.
fn apple<'a>(text: &'a str, rest: &'a str) -> Cow<'a, str> {
    let told = after(rest, "OS ").and_then(major_minor);
    // A third number is never frozen.
    let frozen = ["OS 18_6 ", "OS 18_7 "]
        .iter()
        .any(|frozen| rest.contains(frozen));
    let honest = || {
        ["CriOS/", "GSA/", "EdgiOS/"]
            .iter()
            .any(|token| text.contains(token))
    };
    if !frozen || honest() {
        return said(told);
    }
    // Safari, Facebook's apps, and Instagram's, say it elsewhere.
    let elsewhere = ["Version/", "FBSV/", "; iOS "].iter();
    let mut elsewhere = elsewhere.filter_map(|token| after(text, token).and_then(major_minor));
    match elsewhere.find(|(major, _)| major.len() == 2 && *major >= "18") {
        Some(version) => said(Some(version)),
        None => Cow::Borrowed("18.6+"),
    }
}
