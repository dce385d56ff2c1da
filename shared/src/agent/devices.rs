//! Which kind of device.
//!
//! Television, console and watch are named by what they are; a tablet by its name or model, or by
//! being an Android without the word `Mobile`, which is Google's rule. A phone or tablet that asks
//! for desktop pages says it is a desktop computer, and is counted as one.

use super::table::Table;

/// A kind of device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Device {
    /// A computer with a screen, laptops included.
    Desktop,
    /// A phone.
    Mobile,
    /// A tablet, or a reader.
    Tablet,
    /// A television, or what is plugged into one.
    Tv,
    /// A games console.
    Console,
    /// A watch.
    Wearable,
    /// Something else: a headset, a car.
    Other,
    /// Not known.
    #[default]
    Unknown,
}

impl Device {
    /// Its name in counts and on the dashboard; empty if it is not known.
    pub fn as_str(self) -> &'static str {
        match self {
            Device::Desktop => "Desktop",
            Device::Mobile => "Mobile",
            Device::Tablet => "Tablet",
            Device::Tv => "TV",
            Device::Console => "Console",
            Device::Wearable => "Wearable",
            Device::Other => "Other",
            Device::Unknown => "",
        }
    }
}

/// The table itself.
pub static DEVICES: Table<Device, { RULES.len() }> = Table::new(RULES);

static RULES: &[(&str, Device)] = &[
    ("PlayStation", Device::Console),
    ("PLAYSTATION", Device::Console),
    ("Xbox", Device::Console),
    ("Nintendo", Device::Console),
    ("SMART-TV", Device::Tv),
    ("SMART_TV", Device::Tv),
    ("SmartTV", Device::Tv),
    ("Smart-TV", Device::Tv),
    ("Smart TV", Device::Tv),
    ("SmartHub", Device::Tv),
    ("Web0S", Device::Tv),
    ("webOS.TV", Device::Tv),
    ("NetCast", Device::Tv),
    ("HbbTV", Device::Tv),
    ("HBBTV", Device::Tv),
    ("VIDAA", Device::Tv),
    ("Roku", Device::Tv),
    ("AppleTV", Device::Tv),
    ("Apple TV", Device::Tv),
    ("AFT", Device::Tv), // Fire TV models: AFTMM, AFTKA, ...
    ("CrKey/", Device::Tv),
    ("Chromecast", Device::Tv),
    ("GoogleTV", Device::Tv),
    ("Google TV", Device::Tv),
    ("AndroidTV", Device::Tv),
    ("Android TV", Device::Tv),
    ("BRAVIA", Device::Tv),
    ("MiTV", Device::Tv),
    ("MIBOX", Device::Tv),
    ("Viera", Device::Tv),
    ("VIZIO", Device::Tv),
    ("NETTV/", Device::Tv),
    ("PHILIPS", Device::Tv),
    ("Opera TV", Device::Tv),
    ("OMI/", Device::Tv),
    ("InettvBrowser/", Device::Tv),
    ("DTV)", Device::Tv),
    ("TV ", Device::Tv),
    ("TV;", Device::Tv),
    ("TV)", Device::Tv),
    ("Apple Watch", Device::Wearable),
    ("Watch OS", Device::Wearable),
    ("Galaxy Watch", Device::Wearable),
    ("Pixel Watch", Device::Wearable),
    ("WearOS", Device::Wearable),
    ("Wear OS", Device::Wearable),
    ("SM-R", Device::Wearable),
    ("OculusBrowser/", Device::Other),
    ("Quest", Device::Other),
    ("PicoBrowser/", Device::Other),
    ("Wolvic/", Device::Other),
    ("Apple Vision", Device::Other),
    ("Tesla/", Device::Other),
    ("QtCarBrowser", Device::Other),
    ("FamilyHub", Device::Other),
    ("iPad", Device::Tablet),
    ("Tablet;", Device::Tablet),
    ("Tablet)", Device::Tablet),
    ("Opera Tablet/", Device::Tablet),
    ("PlayBook", Device::Tablet),
    ("Kindle", Device::Tablet),
    ("KF", Device::Tablet), // Kindle Fire models: KFTUWI, KFMAWI, ...
    ("SM-T", Device::Tablet),
    ("SM-X", Device::Tablet),
    ("SM-P", Device::Tablet),
    ("GT-P", Device::Tablet),
    ("Galaxy Tab", Device::Tablet),
    ("Nexus 7", Device::Tablet),
    ("Nexus 9", Device::Tablet),
    ("Nexus 10", Device::Tablet),
    ("Pixel Tablet", Device::Tablet),
    ("Pixel C ", Device::Tablet),
    ("Lenovo TB", Device::Tablet),
    ("TB-", Device::Tablet),
    ("MediaPad", Device::Tablet),
    ("Xoom", Device::Tablet),
    ("iPhone", Device::Mobile),
    ("iPod", Device::Mobile),
    ("CriOS/", Device::Tablet), // Not "iPhone": see `systems`.
    ("FxiOS/", Device::Tablet),
    ("EdgiOS/", Device::Tablet),
    ("Windows Phone", Device::Mobile),
    ("IEMobile", Device::Mobile),
    ("Mobile", Device::Mobile),
    ("Mobi", Device::Mobile),
    ("Opera Mini/", Device::Mobile),
    ("UCWEB/", Device::Mobile),
    ("KAIOS/", Device::Mobile),
    ("Phone", Device::Mobile),
    ("BB10", Device::Mobile),
    ("BlackBerry", Device::Mobile),
    ("Symbian", Device::Mobile),
    ("Series60", Device::Mobile),
    ("Nokia", Device::Mobile),
    ("MIDP", Device::Mobile),
    ("Tizen", Device::Tv),
    ("Andr", Device::Tablet), // No phone says `Android` without `Mobile`.
    ("Windows", Device::Desktop),
    ("Mac", Device::Desktop),
    ("X11", Device::Desktop),
    ("Linux", Device::Desktop),
    ("CrOS", Device::Desktop),
];
