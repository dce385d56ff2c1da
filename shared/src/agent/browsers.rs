//! Which browser: the ordered table of product tokens.
//!
//! Nearly every browser also calls itself Safari, Chrome or both, so whoever adds a token of its
//! own stands above those, and an app that shows pages stands above the browser it does it with.

use super::table::{Found, Table};
use super::version::{after, major};

/// A browser, and where its version stands.
pub struct Browser {
    name: &'static str,
    version: From,
}

/// Where a browser's version stands.
enum From {
    /// Right after the rule's own token.
    Here,
    /// After another token; failing that, after the rule's own.
    Token(&'static str),
    /// Nowhere: the numbers there are another's.
    Nowhere,
}

const fn here(name: &'static str) -> Browser {
    Browser {
        name,
        version: From::Here,
    }
}

const fn token(name: &'static str, token: &'static str) -> Browser {
    Browser {
        name,
        version: From::Token(token),
    }
}

const fn unversioned(name: &'static str) -> Browser {
    Browser {
        name,
        version: From::Nowhere,
    }
}

/// What stands for a web view that does not name its app; `unnamed` makes the name whole.
const WEB_VIEW: &str = "WebView";
const SAFARI: &str = "Safari";

/// The table itself.
pub static BROWSERS: Table<Browser, { RULES.len() }> = Table::new(RULES);

static RULES: &[(&str, Browser)] = &[
    // Desktop apps made of a browser: whatever else they carry, they are no browser.
    ("Electron/", here("Electron")),
    // Pages opened inside another app.
    ("Instagram", here("Instagram")),
    ("Barcelona ", here("Threads")),
    ("FBAN/Messenger", token("Messenger", "FBAV/")),
    ("FBAN/Orca", token("Messenger", "FBAV/")),
    ("FB_IAB/Orca", token("Messenger", "FBAV/")),
    ("FB_IAB/MESSENGER", token("Messenger", "FBAV/")),
    ("FBAN/", token("Facebook", "FBAV/")),
    ("FB_IAB/", token("Facebook", "FBAV/")),
    ("FBAV/", here("Facebook")),
    ("MetaIAB Facebook", unversioned("Facebook")),
    ("musical_ly", token("TikTok", "app_version/")),
    ("trill", token("TikTok", "app_version/")),
    ("TikTok", token("TikTok", "app_version/")),
    ("aweme", token("Douyin", "app_version/")),
    ("BytedanceWebview/", token("TikTok", "app_version/")),
    ("Snapchat", here("Snapchat")),
    ("537.36Snapchat", here("Snapchat")), // Some versions leave out the space.
    ("Pinterest", here("Pinterest")),
    ("LinkedInApp", here("LinkedIn")),
    ("TwitterAndroid", here("X")),
    ("Twitter for iPhone", here("X")),
    ("Twitter for iPad", here("X")),
    ("Reddit/", here("Reddit")),
    ("Discord/", here("Discord")),
    ("Telegram-Android/", here("Telegram")),
    ("Viber", here("Viber")),
    ("wxwork/", here("WeCom")),
    ("MicroMessenger/", here("WeChat")),
    ("AlipayClient/", here("Alipay")),
    ("__weibo__", here("Weibo")),
    ("Weibo", here("Weibo")),
    ("Line/", here("LINE")),
    ("KAKAOTALK", here("KakaoTalk")),
    ("NAVER", unversioned("NAVER")),
    ("DaumApps/", here("Daum")),
    ("Zalo", here("Zalo")),
    ("VKAndroidApp/", here("VK")),
    ("VK/", here("VK")),
    ("GSA/", here("Google App")),
    ("BingSapphire/", here("Bing")),
    ("BingWeb/", here("Bing")),
    ("baiduboxapp/", here("Baidu")),
    ("QQ/", here("QQ")),
    // Browsers built on Chromium, WebKit or Gecko.
    ("EdgiOS/", here("Edge")),
    ("EdgA/", here("Edge")),
    ("EdgW/", here("Edge")),
    ("Edg/", here("Edge")),
    ("Edge/", here("Edge")),
    ("Opera Mini/", here("Opera Mini")),
    ("OPiOS/", here("Opera Mini")),
    ("OPRGX/", here("Opera GX")),
    ("OPX/", here("Opera GX")),
    ("OPT/", here("Opera")),
    ("OPR/", here("Opera")),
    ("Opera Tablet/", token("Opera", "Version/")),
    ("Opera Mobi/", token("Opera", "Version/")),
    ("Opera/", token("Opera", "Version/")),
    ("OculusBrowser/", here("Meta Quest Browser")),
    ("PicoBrowser/", here("Pico Browser")),
    ("Wolvic/", here("Wolvic")),
    ("SamsungBrowser/", here("Samsung Internet")),
    ("Vivaldi/", here("Vivaldi")),
    ("YaBrowser/", here("Yandex Browser")),
    ("YaSearchBrowser/", here("Yandex Browser")),
    ("DuckDuckGo/", here("DuckDuckGo")),
    ("Ddg/", here("DuckDuckGo")),
    // Elsewhere Brave is not to be told from Chrome; these numbers are Safari's.
    ("Brave", unversioned("Brave")),
    ("Ecosia", token("Ecosia", "@")),
    ("UCBrowser/", here("UC Browser")),
    ("UCWEB/", token("UC Browser", "UCBrowser/")),
    ("UBrowser/", here("UC Browser")),
    ("MQQBrowser/", here("QQ Browser")),
    ("QQBrowser/", here("QQ Browser")),
    ("MiuiBrowser/", here("Mi Browser")),
    ("Mint Browser/", here("Mint Browser")),
    ("HuaweiBrowser/", here("Huawei Browser")),
    ("ArkWeb/", token("Huawei Browser", "HuaweiBrowser/")),
    ("HeyTapBrowser/", here("HeyTap Browser")),
    ("VivoBrowser/", here("Vivo Browser")),
    ("Silk/", here("Silk")),
    ("Silk-Accelerated", here("Silk")),
    ("Whale/", here("Whale")),
    ("Quark/", here("Quark")),
    ("BIDUBrowser/", here("Baidu Browser")),
    ("baidubrowser/", here("Baidu Browser")),
    ("360SE", unversioned("360 Browser")),
    ("360EE", unversioned("360 Browser")),
    ("QIHU 360", unversioned("360 Browser")),
    ("QHBrowser/", here("360 Browser")),
    ("Maxthon", here("Maxthon")),
    ("MxBrowser/", here("Maxthon")),
    ("coc_coc_browser/", here("Cốc Cốc")),
    ("CocCoc", here("Cốc Cốc")),
    ("SznProhlizec/", here("Seznam")),
    ("Seznam", here("Seznam")),
    ("AvastSecureBrowser/", here("Avast Secure Browser")),
    ("Avast/", here("Avast Secure Browser")),
    ("AVG/", here("AVG Secure Browser")),
    ("CCleaner/", here("CCleaner Browser")),
    ("Norton/", here("Norton Private Browser")),
    ("AlohaBrowser/", here("Aloha")),
    ("Puffin/", here("Puffin")),
    ("PhoenixBrowser/", here("Phoenix")),
    ("Phoenix/", here("Phoenix")),
    ("NintendoBrowser/", here("Nintendo Browser")),
    ("PlayStation", unversioned("PlayStation Browser")),
    ("LG Browser/", here("LG Browser")),
    ("Epiphany/", unversioned("GNOME Web")),
    ("Konqueror/", here("Konqueror")),
    ("Falkon/", here("Falkon")),
    ("Midori/", here("Midori")),
    ("Sleipnir/", here("Sleipnir")),
    ("Iron/", here("SRWare Iron")),
    ("LibreWolf/", here("LibreWolf")),
    ("Waterfox/", here("Waterfox")),
    ("PaleMoon/", here("Pale Moon")),
    ("SeaMonkey/", here("SeaMonkey")),
    ("Basilisk/", here("Basilisk")),
    ("Klar/", here("Firefox Focus")),
    ("Focus/", here("Firefox Focus")),
    ("FxiOS/", here("Firefox")),
    ("Firefox/", here("Firefox")),
    ("IEMobile", here("Internet Explorer")),
    ("MSIE ", here("Internet Explorer")),
    ("Trident/", token("Internet Explorer", "rv:")),
    ("BB10", token("BlackBerry Browser", "Version/")),
    ("BlackBerry", token("BlackBerry Browser", "Version/")),
    ("QtWebEngine/", here("QtWebEngine")),
    // Web views that name no app.
    ("wv)", token(WEB_VIEW, "Chrome/")),
    ("Version/4.0 Chrome/", token(WEB_VIEW, "Chrome/")),
    // The ones that all others call themselves.
    ("CriOS/", here("Chrome")),
    ("Chromium/", here("Chromium")),
    ("HeadlessChrome/", here("Chrome")),
    ("Chrome/", here("Chrome")),
    ("Tizen", unversioned("Samsung Internet")),
    ("Web0S", unversioned("LG Browser")),
    ("webOS", unversioned("LG Browser")),
    ("Nintendo", unversioned("Nintendo Browser")),
    ("NetFront/", here("NetFront")),
    ("Kindle/", here("Kindle")),
    ("Safari/", token(SAFARI, "Version/")),
    ("Safari ", token(SAFARI, "Version/")),
    ("AppleWebKit/", unversioned(WEB_VIEW)),
    ("AppleWebKit ", unversioned(WEB_VIEW)),
    ("Gecko/", unversioned("")),
];

/// Name and major version of what was found. Some names depend on the system they run on.
pub fn name_and_version<'a>(found: Found, text: &'a str, system: &str) -> (&'static str, &'a str) {
    let Some((browser, rest)) = BROWSERS.get(found, text) else {
        return ("", "");
    };
    let version = match browser.version {
        From::Here => major(rest),
        From::Token(token) => after(text, token).and_then(major).or_else(|| major(rest)),
        From::Nowhere => None,
    };
    let version = version.unwrap_or("");
    match (browser.name, system) {
        (WEB_VIEW, "Android") => ("Android WebView", version),
        (WEB_VIEW, "iOS" | "iPadOS") => ("iOS WebView", version),
        (WEB_VIEW, "macOS") => ("macOS WebView", version),
        (WEB_VIEW, _) => ("", ""),
        // The browser of Android before Chrome was, and GNOME's, which claims Safari's version.
        (SAFARI, "Android") => ("Android Browser", version),
        (SAFARI, "Linux") => ("GNOME Web", ""),
        (name, _) => (name, version),
    }
}
