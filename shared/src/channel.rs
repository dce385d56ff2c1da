//! The channel of a visit: GA4's published rules for the default channel group
//! (<https://support.google.com/analytics/answer/9756891>) and a channel for AI assistants, as
//! COMPAT.md, section 1, lists them. The first rule that matches wins, in lower case.
//!
//! Always holds: every visit has exactly one channel, and the same source and attribution always
//! have the same one. GA4's two regular expressions are predicates here, `is_shopping_name` and
//! `is_paid_medium`; they agree with them on all text without line breaks, which is all that
//! [`Attribution`] lets through.

use std::borrow::Cow;

use crate::attribution::{Attribution, ClickId};
use crate::source::{Kind, Source};

/// A channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is its published name")]
pub enum Channel {
    CrossNetwork,
    PaidShopping,
    PaidSearch,
    PaidSocial,
    PaidVideo,
    Display,
    PaidOther,
    OrganicShopping,
    OrganicSocial,
    OrganicVideo,
    AiAssistants,
    OrganicSearch,
    Email,
    Affiliates,
    Audio,
    Sms,
    MobilePush,
    Referral,
    Direct,
}

impl Channel {
    /// The published name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Channel::CrossNetwork => "Cross-network",
            Channel::PaidShopping => "Paid Shopping",
            Channel::PaidSearch => "Paid Search",
            Channel::PaidSocial => "Paid Social",
            Channel::PaidVideo => "Paid Video",
            Channel::Display => "Display",
            Channel::PaidOther => "Paid Other",
            Channel::OrganicShopping => "Organic Shopping",
            Channel::OrganicSocial => "Organic Social",
            Channel::OrganicVideo => "Organic Video",
            Channel::AiAssistants => "AI Assistants",
            Channel::OrganicSearch => "Organic Search",
            Channel::Email => "Email",
            Channel::Affiliates => "Affiliates",
            Channel::Audio => "Audio",
            Channel::Sms => "SMS",
            Channel::MobilePush => "Mobile Push Notifications",
            Channel::Referral => "Referral",
            Channel::Direct => "Direct",
        }
    }

    /// The channel of a visit. Where a rule asks for a paid medium of a well-known source, a
    /// source that is paid by name (`adwords`, `fb-ads`) will do.
    pub fn of(source: Option<&Source>, attribution: &Attribution) -> Self {
        let name = lower(source.map(|source| &*source.name));
        let medium = lower(attribution.medium.as_deref());
        let campaign = lower(attribution.campaign.as_deref());
        let kind = source.and_then(|source| source.kind);
        let is_social = kind.is_some_and(Kind::is_social);
        let is_shopping = is_shopping_name(&campaign);
        let paid_medium = is_paid_medium(&medium);
        let paid = paid_medium || source.is_some_and(|source| source.paid);
        let clicked_ad = matches!(
            (&*name, attribution.click_id),
            ("google", Some(ClickId::Gclid)) | ("bing", Some(ClickId::Msclkid))
        );

        if campaign.contains("cross-network") {
            Channel::CrossNetwork
        } else if paid && kind == Some(Kind::Shopping) || paid_medium && is_shopping {
            Channel::PaidShopping
        } else if kind == Some(Kind::Search) && (paid || clicked_ad) {
            Channel::PaidSearch
        } else if is_social && paid {
            Channel::PaidSocial
        } else if kind == Some(Kind::Video) && paid {
            Channel::PaidVideo
        } else if is_display_medium(&medium) {
            Channel::Display
        } else if paid_medium {
            Channel::PaidOther
        } else if kind == Some(Kind::Shopping) || is_shopping {
            Channel::OrganicShopping
        } else if is_social || is_social_medium(&medium) {
            Channel::OrganicSocial
        } else if kind == Some(Kind::Video) || medium.contains("video") {
            Channel::OrganicVideo
        } else if kind == Some(Kind::AiAssistant) {
            Channel::AiAssistants
        } else if kind == Some(Kind::Search) {
            Channel::OrganicSearch
        } else if kind == Some(Kind::Email) || names_email(&name) || names_email(&medium) {
            Channel::Email
        } else if medium == "affiliate" {
            Channel::Affiliates
        } else if medium == "audio" {
            Channel::Audio
        } else if name == "sms" || medium == "sms" {
            Channel::Sms
        } else if is_push_medium(&medium) || name == "firebase" {
            Channel::MobilePush
        } else if source.is_some() || matches!(&*medium, "referral" | "app" | "link") {
            Channel::Referral
        } else {
            Channel::Direct
        }
    }
}

fn lower(text: Option<&str>) -> Cow<'_, str> {
    let text = text.unwrap_or_default();
    if text
        .bytes()
        .all(|b| b.is_ascii() && !b.is_ascii_uppercase())
    {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

/// `^(.*(([^a-df-z]|^)shop|shopping).*)$`: `shopping` anywhere, or `shop` at the start, after an
/// `e`, or after what is no letter from a to z.
fn is_shopping_name(text: &str) -> bool {
    text.match_indices("shop").any(|(at, _)| {
        let (before, shop) = text.split_at_checked(at).unwrap_or_default();
        let last = before.chars().next_back();
        shop.starts_with("shopping") || !matches!(last, Some('a'..='d' | 'f'..='z'))
    })
}

/// `^(.*cp.*|ppc|retargeting|paid.*)$`.
fn is_paid_medium(medium: &str) -> bool {
    medium.contains("cp") || matches!(medium, "ppc" | "retargeting") || medium.starts_with("paid")
}

/// What is bought by views; `cpm` also is a paid medium, so well-known sources come before.
fn is_display_medium(medium: &str) -> bool {
    matches!(
        medium,
        "display" | "banner" | "expandable" | "interstitial" | "cpm"
    )
}

fn is_social_medium(medium: &str) -> bool {
    matches!(
        medium,
        "social" | "social-network" | "social-media" | "sm" | "social network" | "social media"
    )
}

/// `e mail` only as a whole: it ends many other words.
fn names_email(text: &str) -> bool {
    text == "e mail"
        || ["email", "e-mail", "e_mail", "newsletter"]
            .iter()
            .any(|word| text.contains(word))
}

fn is_push_medium(medium: &str) -> bool {
    medium.ends_with("push") || medium.contains("mobile") || medium.contains("notification")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::referrer::Referrer;
    use crate::source;

    /// The channel of a url's query and a referrer.
    fn channel(query: &str, referrer: &str) -> &'static str {
        let attribution = Attribution::parse(query);
        let referrer = Referrer::parse(referrer, "page.example");
        let source = source::of(attribution.source.as_deref(), referrer.as_ref());
        Channel::of(source.as_ref(), &attribution).as_str()
    }

    /// Name of the rule | query | referrer | channel.
    const CASES: &str = "
        cross-network campaign | utm_campaign=x_Cross-Network_y&utm_source=google&utm_medium=cpc | | Cross-network
        cross-network without source | utm_campaign=cross-network | | Cross-network
        not cross network | utm_campaign=cross+network | | Direct
        shopping source, paid medium | utm_source=ebay&utm_medium=cpc | | Paid Shopping
        shopping referrer, paid medium | utm_medium=paid | https://www.amazon.de/x | Paid Shopping
        shopping source paid by name | utm_source=amazon-ads | | Paid Shopping
        shopping campaign, paid medium | utm_source=google&utm_medium=cpc&utm_campaign=Shopping_DE | | Paid Shopping
        eshop campaign, paid medium | utm_source=x1&utm_medium=ppc&utm_campaign=myeshop | | Paid Shopping
        shopping campaign, source paid by name is search | utm_source=adwords&utm_campaign=shopping | | Paid Search
        workshop is no shop | utm_source=google&utm_medium=cpc&utm_campaign=workshop | | Paid Search
        search, paid medium | utm_source=google&utm_medium=cpc | | Paid Search
        search, paid medium in capitals | utm_source=Google&utm_medium=CPC | | Paid Search
        search, ppc | utm_source=bing&utm_medium=ppc | | Paid Search
        search, cpm before display | utm_source=google&utm_medium=cpm | | Paid Search
        search, retargeting | utm_source=yandex&utm_medium=retargeting | | Paid Search
        search, paid-search | utm_source=duckduckgo&utm_medium=paid-search | | Paid Search
        search paid by name | utm_source=adwords | | Paid Search
        search paid by ending | utm_source=Bing_Ads | | Paid Search
        google and gclid | gclid=x | https://www.google.com/ | Paid Search
        google by utm and gclid | gclid=x&utm_source=google&utm_medium=organic | | Paid Search
        bing and msclkid | msclkid=x | https://www.bing.com/ | Paid Search
        google and msclkid | msclkid=x | https://www.google.com/ | Organic Search
        bing and gclid | gclid=x | https://www.bing.com/ | Organic Search
        gclid alone | gclid=x | | Direct
        social, paid medium | utm_source=facebook&utm_medium=cpc | | Paid Social
        social, paid_social | utm_source=ig&utm_medium=paid_social | | Paid Social
        social paid by name | utm_source=fb-ads | | Paid Social
        social paid by name, other medium | utm_source=Facebook+Ads&utm_medium=social | | Paid Social
        messenger, paid medium | utm_source=whatsapp&utm_medium=cpc | | Paid Social
        video, paid medium | utm_source=youtube&utm_medium=cpv-cpc | | Paid Video
        video paid by name | utm_source=youtube_ads | | Paid Video
        display | utm_source=x1&utm_medium=display | | Display
        banner | utm_medium=Banner | | Display
        expandable | utm_source=x1&utm_medium=expandable | | Display
        interstitial | utm_source=x1&utm_medium=interstitial | | Display
        cpm before paid other | utm_source=x1&utm_medium=cpm | | Display
        display of a search engine | utm_source=google&utm_medium=display | | Display
        not display | utm_source=x1&utm_medium=displays | | Referral
        paid other, cpc | utm_source=partner&utm_medium=cpc | | Paid Other
        paid other, paid | utm_source=partner&utm_medium=paid | | Paid Other
        paid other, cp within | utm_source=partner&utm_medium=xcpx | | Paid Other
        paid other without source | utm_medium=ppc | | Paid Other
        paid other of an assistant | utm_source=chatgpt&utm_medium=cpc | | Paid Other
        paid not at the start | utm_source=x1&utm_medium=unpaid | | Referral
        ppc only as a whole | utm_source=x1&utm_medium=my-ppc | | Referral
        shopping source | | https://www.etsy.com/listing/1 | Organic Shopping
        national shop | | https://www.amazon.co.uk/ | Organic Shopping
        shopping campaign | utm_source=x1&utm_campaign=the-shop | | Organic Shopping
        shopping campaign before social | utm_source=facebook&utm_campaign=Shop+now | | Organic Shopping
        social source | | https://l.facebook.com/l.php?u=x | Organic Social
        social by short link | fbclid=x | https://t.co/abc | Organic Social
        social alias | utm_source=ig | | Organic Social
        messenger | | android-app://org.telegram.messenger/ | Organic Social
        social before e-mail medium | utm_source=linkedin&utm_medium=email | | Organic Social
        medium social | utm_source=x1&utm_medium=social | | Organic Social
        medium social-network | utm_source=x1&utm_medium=social-network | | Organic Social
        medium social-media | utm_medium=Social-Media | | Organic Social
        medium sm | utm_source=x1&utm_medium=sm | | Organic Social
        medium social network | utm_source=x1&utm_medium=social+network | | Organic Social
        medium social media | utm_source=x1&utm_medium=social+media | | Organic Social
        video source | | https://m.youtube.com/ | Organic Video
        medium with video | utm_source=x1&utm_medium=in-video-link | | Organic Video
        assistant | | https://chatgpt.com/ | AI Assistants
        assistant's own utm_source | utm_source=chatgpt.com | | AI Assistants
        assistant under a search engine | | https://gemini.google.com/app | AI Assistants
        assistant by name | utm_source=Claude | | AI Assistants
        search source | | https://www.google.com/ | Organic Search
        national search | | https://www.google.com.br/ | Organic Search
        search app | | android-app://com.google.android.googlequicksearchbox/ | Organic Search
        search source with medium email | utm_source=google&utm_medium=email | | Organic Search
        e-mail source | | https://mail.google.com/ | Email
        e-mail app | | android-app://com.google.android.gm/ | Email
        source newsletter | utm_source=March-Newsletter | | Email
        source e_mail | utm_source=my_e_mail | | Email
        medium email | utm_source=x1&utm_medium=Email | | Email
        medium e-mail without source | utm_medium=e-mail | | Email
        medium e mail | utm_medium=e+mail | | Email
        newsletter of a news site | utm_source=substack&utm_medium=email | | Email
        not e mail | utm_source=x1&utm_medium=free+mail | | Referral
        affiliate | utm_source=x1&utm_medium=affiliate | | Affiliates
        audio medium | utm_source=spotify&utm_medium=audio | | Audio
        audio source | | https://open.spotify.com/ | Referral
        sms medium | utm_medium=sms | | SMS
        sms source | utm_source=SMS | | SMS
        medium ends push | utm_source=x1&utm_medium=webpush | | Mobile Push Notifications
        medium with mobile | utm_source=x1&utm_medium=my-mobile-app | | Mobile Push Notifications
        medium with notification | utm_medium=notifications | | Mobile Push Notifications
        firebase | utm_source=Firebase | | Mobile Push Notifications
        push not at the end | utm_source=x1&utm_medium=pushing | | Referral
        medium referral | utm_medium=referral | | Referral
        medium app | utm_medium=app | | Referral
        medium link | utm_medium=link | | Referral
        any source | | https://blog.example/ | Referral
        news | | https://www.bbc.co.uk/news | Referral
        developer site | | https://github.com/a/b | Referral
        unknown utm_source | utm_source=poster | | Referral
        nothing | | | Direct
        own page | | https://page.example/a | Direct
        unknown medium alone | utm_medium=foo | | Direct
        campaign alone | utm_campaign=spring | | Direct
    ";

    fn cases() -> impl Iterator<Item = [&'static str; 4]> {
        let lines = CASES.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| {
            let fields: Vec<_> = line.split('|').map(str::trim).collect();
            fields.try_into().unwrap()
        })
    }

    #[test]
    fn the_first_rule_that_matches_wins() {
        assert!(cases().count() >= 100);
        for [rule, query, referrer, expected] in cases() {
            assert_eq!(channel(query, referrer), expected, "{rule}");
        }
    }

    /// `^(.*(([^a-df-z]|^)shop|shopping).*)$`, text by text.
    #[test]
    fn the_shopping_predicate_is_the_regular_expression() {
        for yes in "shop,shops,shopify,shopping,eshop,e-shop,my shop,my_shop,2shop,-shop-,\
            workshopping,ashopping,zshopping,ushop shop,barbershop-shop,größeshop,müshop,\
            ßshop,店shop,the.shop,shopshop,theshop"
            .split(',')
        {
            assert!(is_shopping_name(yes), "{yes}");
        }
        for no in ",sho,hop,ashop,bshop,cshop,dshop,fshop,workshop,bishop,zshop,photoshop,\
            barbershop,bookshop,sshop,shoopping,s hop"
            .split(',')
        {
            assert!(!is_shopping_name(no), "{no}");
        }
        // Every letter that may stand before.
        for letter in 'a'..='z' {
            assert_eq!(is_shopping_name(&format!("x{letter}shop")), letter == 'e');
        }
    }

    /// `^(.*cp.*|ppc|retargeting|paid.*)$`, text by text.
    #[test]
    fn the_paid_predicate_is_the_regular_expression() {
        for yes in "cp,cpc,cpm,cpa,cpv,xcp,xcpx,acpc,tcp-ip,ppc,retargeting,paid,paidsearch,\
            paid-social,paid ,üpcp,pcpp"
            .split(',')
        {
            assert!(is_paid_medium(yes), "{yes}");
        }
        for no in ",c,p,pc,c p,ppcs,appc,ppc ,retargetings,retarget,pai,unpaid, paid,organic,pp,\
            c-p"
        .split(',')
        {
            assert!(!is_paid_medium(no), "{no}");
        }
    }

    const NAMES: &str = "Cross-network|Paid Shopping|Paid Search|Paid Social|Paid Video|Display|\
        Paid Other|Organic Shopping|Organic Social|Organic Video|AI Assistants|Organic Search|\
        Email|Affiliates|Audio|SMS|Mobile Push Notifications|Referral|Direct";

    #[test]
    fn every_published_name_is_reached() {
        for [_, _, _, name] in cases() {
            assert!(
                NAMES.split('|').any(|published| published == name),
                "{name}"
            );
        }
        for name in NAMES.split('|') {
            assert!(cases().any(|[.., reached]| reached == name), "{name}");
        }
    }
}
