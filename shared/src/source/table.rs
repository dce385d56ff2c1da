//! The well-known sources: hand-written facts, one row each, grouped by kind.
//!
//! A row is: the name shown, hosts, aliases. Hosts stand for their subdomains too, unless a
//! nearer one has a row of its own; `=host` stands for itself only; `brand.*` for every national
//! ending (`brand.com`, `brand.de`, `brand.co.uk`, `brand.com.br`). Package names of Android
//! apps are hosts. Aliases are values of `utm_source` (case, space, `_` and `-` do not matter);
//! the name is one by itself, and so is every host. `<alias>-ads` and its like are by rule.
//!
//! Where GA4's own list is debatable: TikTok is social; MSN is news (what links from it is its
//! feed); You.com is an AI assistant; GitHub and Stack Overflow are developer sites; Substack is
//! news, so that its own `utm_medium=email` makes it Email. Hosts under which others publish
//! whole sites (github.io, blogspot.com, wordpress.com) have no row: the site is the source.

use super::{Kind, Known};

macro_rules! rows {
    ($($kind:ident { $($name:literal: $hosts:literal $(, $aliases:literal)?;)* })*) => {
        /// All rows.
        pub(super) static KNOWN: &[Known] = &[$($(Known {
            name: $name,
            kind: Kind::$kind,
            hosts: $hosts,
            aliases: concat!($($aliases)?),
        },)*)*];
    };
}

rows! {
    Search {
        "Google":
            "=google.* =images.google.* =m.google.* =lens.google.* =encrypted.google.* \
            =cse.google.* =google.cat syndicatedsearch.goog \
            com.google.android.googlequicksearchbox",
            "googlesearch google-search google-organic gmb gbp google-my-business \
            google-business-profile";
        "Bing": "bing.com com.microsoft.bing", "bing-search bing-organic microsoft-bing";
        "Yahoo!":
            "=yahoo.* search.yahoo.* =m.yahoo.* =uk.yahoo.com =de.yahoo.com =fr.yahoo.com \
            =es.yahoo.com =it.yahoo.com =in.yahoo.com =br.yahoo.com =ca.yahoo.com \
            =au.yahoo.com =mx.yahoo.com =hk.yahoo.com =tw.yahoo.com =sg.yahoo.com \
            =espanol.yahoo.com",
            "yahoo yahoo-search";
        "DuckDuckGo": "duckduckgo.com ddg.gg com.duckduckgo.mobile.android", "ddg duck";
        "Yandex":
            "=yandex.* =m.yandex.* =images.yandex.* =yandex.com.tr =ya.ru \
            ru.yandex.searchplugin com.yandex.browser",
            "yandex-search";
        "Baidu":
            "=baidu.com =m.baidu.com =image.baidu.com =cn.baidu.com =fanyi.baidu.com \
            com.baidu.searchbox",
            "baidu-search";
        "Naver": "=naver.com =m.naver.com search.naver.com com.nhn.android.search", "naver-search";
        "Daum": "=daum.net =m.daum.net search.daum.net net.daum.android.daum";
        "Seznam": "=seznam.cz =m.seznam.cz search.seznam.cz cz.seznam.sbrowser", "seznam-cz";
        "Ecosia": "ecosia.org com.ecosia.android";
        "Qwant": "qwant.com com.qwant.liberty";
        "Startpage": "startpage.com ixquick.com";
        "Brave Search": "search.brave.com", "brave";
        "Kagi": "kagi.com", "kagi-search";
        "Mojeek": "mojeek.com mojeek.co.uk";
        "Swisscows": "swisscows.com swisscows.ch";
        "MetaGer": "metager.de metager.org";
        "Sogou": "sogou.com";
        "360 Search": "so.com haosou.com";
        "Shenma": "sm.cn";
        "Toutiao Search": "so.toutiao.com";
        "Coc Coc": "coccoc.com";
        "Rambler": "=rambler.ru nova.rambler.ru";
        "Mail.ru Search": "go.mail.ru";
        "Ask.com": "=ask.com search.ask.com uk.ask.com", "ask-jeeves";
        "AOL": "=aol.com search.aol.* =m.aol.com";
        "Excite": "excite.com excite.co.jp";
        "Lycos": "=lycos.com search.lycos.com";
        "Dogpile": "dogpile.com";
        "WebCrawler": "webcrawler.com";
        "Info.com": "info.com";
        "Gibiru": "gibiru.com";
        "Presearch": "presearch.com presearch.org";
        "SearXNG": "searx.be searx.space searx.tiekoetter.com priv.au", "searx";
        "Marginalia": "marginalia.nu marginalia-search.com";
        "Lilo": "lilo.org";
        "OceanHero": "oceanhero.today";
        "Ekoru": "ekoru.org";
        "Karma Search": "karmasearch.org";
        "Gigablast": "gigablast.com";
        "Yep": "yep.com";
        "Stract": "stract.com";
        "Wiby": "wiby.me wiby.org";
        "Virgilio": "virgilio.it";
        "Libero": "=libero.it ricerca.libero.it";
        "Bluewin": "=bluewin.ch";
        "Search.ch": "search.ch";
        "Zapmeta": "zapmeta.*";
        "WP Szukaj": "szukaj.wp.pl";
        "Onet Szukaj": "szukaj.onet.pl";
        "goo.ne.jp": "=goo.ne.jp search.goo.ne.jp";
        "Biglobe": "=biglobe.ne.jp cgi.search.biglobe.ne.jp";
        "Nate": "=nate.com search.nate.com search.daum.nate.com";
        "Petal Search": "petalsearch.com";
        "Ahmia": "ahmia.fi";
        "GMX Suche": "suche.gmx.net";
        "WEB.DE Suche": "suche.web.de";
        "T-Online Suche": "suche.t-online.de";
        "Murena Spot": "spot.ecloud.global spot.murena.io";
        "AlohaFind": "alohafind.com";
    }

    AiAssistant {
        "ChatGPT": "chatgpt.com chat.openai.com com.openai.chatgpt", "openai chat-gpt searchgpt";
        "Claude": "claude.ai claude.com com.anthropic.claude", "anthropic claude-ai";
        "Perplexity": "perplexity.ai pplx.ai ai.perplexity.app.android", "perplexity-ai pplx";
        "Gemini":
            "gemini.google.com bard.google.com com.google.android.apps.bard",
            "google-gemini bard";
        "Google AI Studio": "aistudio.google.com";
        "NotebookLM": "notebooklm.google.com notebooklm.google";
        "Copilot":
            "copilot.microsoft.com copilot.cloud.microsoft m365.cloud.microsoft \
            edgeservices.bing.com copilot.com com.microsoft.copilot",
            "microsoft-copilot bing-chat";
        "Le Chat": "chat.mistral.ai ai.mistral.chat", "mistral mistral-ai lechat";
        "DeepSeek": "deepseek.com com.deepseek.chat";
        "Grok": "grok.com grok.x.ai ai.x.grok";
        "Meta AI": "meta.ai";
        "Poe": "poe.com com.poe.android";
        "You.com": "you.com";
        "Phind": "phind.com";
        "Kimi": "kimi.com kimi.ai kimi.moonshot.cn";
        "Qwen": "qwen.ai tongyi.aliyun.com tongyi.com";
        "Doubao": "doubao.com com.larus.nova";
        "Yuanbao": "yuanbao.tencent.com";
        "Ernie": "yiyan.baidu.com ernie.baidu.com";
        "Z.ai": "z.ai chatglm.cn";
        "MiniMax": "chat.minimax.io agent.minimax.io";
        "Pi AI": "pi.ai";
        "Character.AI": "character.ai";
        "HuggingChat": "hf.chat";
        "iAsk": "iask.ai";
        "Andi": "andisearch.com";
        "Komo": "komo.ai";
        "Felo": "felo.ai";
        "Genspark": "genspark.ai";
        "Manus": "manus.im";
        "Consensus": "consensus.app";
        "Elicit": "elicit.com elicit.org";
        "Duck.ai": "duck.ai";
        "Lumo": "lumo.proton.me";
        "Monica AI": "monica.im";
        "Jasper AI": "app.jasper.ai";
        "Writesonic": "app.writesonic.com chatsonic.com";
        "Liner AI": "getliner.com liner.com";
        "GigaChat": "giga.chat gigachat.ru";
        "Yandex Alice": "alice.yandex.ru";
    }

    Social {
        "Facebook":
            "facebook.com fb.com fb.me fb.watch \
            facebookwkhpilnemxj7asaniu7vnjjbiltxjqhye3mhbshg7kx5tfyd.onion com.facebook.katana \
            com.facebook.lite",
            "fb meta facebook-organic fb-feed";
        "Instagram":
            "instagram.com ig.me instagr.am com.instagram.android com.instagram.lite",
            "ig insta";
        "Threads": "threads.net threads.com com.instagram.barcelona";
        "X (Twitter)": "x.com twitter.com t.co com.twitter.android", "x twitter tw";
        "LinkedIn": "linkedin.com lnkd.in com.linkedin.android", "li lnkd linked-in";
        "Reddit":
            "reddit.com redd.it reddit.app.link com.reddit.frontpage \
            com.andrewshu.android.reddit com.laurencedawson.reddit_sync";
        "Pinterest": "pinterest.* pin.it com.pinterest", "pin";
        "TikTok": "tiktok.com com.zhiliaoapp.musically com.ss.android.ugc.trill", "tt";
        "Douyin": "douyin.com com.ss.android.ugc.aweme";
        "Kuaishou": "kuaishou.com kwai.com";
        "Xiaohongshu": "xiaohongshu.com xhslink.com rednote.com com.xingin.xhs", "rednote";
        "Snapchat": "snapchat.com com.snapchat.android", "snap";
        "Bluesky": "bsky.app deck.blue xyz.blueskyweb.app", "bsky";
        "Mastodon":
            "joinmastodon.org mastodon.social mastodon.online mastodon.world mas.to \
            mstdn.social mstdn.jp mstdn.ca mstdn.io fosstodon.org hachyderm.io \
            infosec.exchange techhub.social chaos.social troet.cafe norden.social \
            social.tchncs.de mastodon.art mastodon.scot mastodon.green mastodon.ie mastodon.nl \
            mastodon.uno mastodonapp.uk mastodon.gamedev.place mastodon.cloud mastodon.xyz \
            mastodont.cat toot.community toot.io ioc.exchange tech.lgbt aus.social \
            kolektiva.social sfba.social home.social universeodon.com indieweb.social \
            ruby.social phpc.social front-end.social functional.cafe octodon.social piaille.fr \
            pawoo.net fedibird.com wandering.shop scholar.social mathstodon.xyz journa.host \
            mindly.social c.im det.social nrw.social ruhr.social muenchen.social \
            dresden.network bonn.social social.linux.pizza swiss.social tooting.ch elk.zone \
            phanpy.social org.joinmastodon.android com.keylesspalace.tusky";
        "Misskey": "misskey.io misskey.design";
        "Pixelfed": "pixelfed.social pixelfed.de pixelfed.org";
        "Lemmy":
            "lemmy.world lemmy.ml lemm.ee sh.itjust.works feddit.de feddit.org beehaw.org \
            programming.dev lemmy.ca sopuli.xyz";
        "Friendica": "friendi.ca";
        "Diaspora": "diasporafoundation.org joindiaspora.com diasp.org pod.geraspora.de";
        "Tumblr": "tumblr.com t.umblr.com com.tumblr";
        "VK": "vk.com vk.ru vkontakte.ru com.vkontakte.android", "vkontakte";
        "Odnoklassniki": "ok.ru odnoklassniki.ru ru.ok.android", "ok-ru";
        "Dzen": "dzen.ru zen.yandex.ru zen.yandex.com", "zen yandex-zen";
        "Weibo": "weibo.com weibo.cn t.cn com.sina.weibo", "sina-weibo";
        "Zhihu": "zhihu.com com.zhihu.android";
        "Baidu Tieba": "tieba.baidu.com";
        "Douban": "douban.com";
        "Qzone": "qzone.qq.com";
        "Renren": "renren.com";
        "Plurk": "plurk.com";
        "PTT": "ptt.cc";
        "Dcard": "dcard.tw";
        "Naver Blog": "blog.naver.com";
        "Naver Cafe": "cafe.naver.com";
        "Daum Cafe": "cafe.daum.net";
        "Ameba": "ameba.jp ameblo.jp";
        "Hatena": "hatena.ne.jp";
        "mixi": "mixi.jp";
        "note.com": "note.com";
        "5channel": "5ch.net 2ch.net";
        "4chan": "4chan.org 4channel.org";
        "Quora": "quora.com com.quora.android";
        "Hacker News":
            "news.ycombinator.com hckrnews.com hn.algolia.com hackerweb.app \
            io.github.hidroh.materialistic",
            "hackernews hn ycombinator";
        "Lobsters": "lobste.rs";
        "Tildes": "tildes.net";
        "Slashdot": "slashdot.org";
        "Digg": "digg.com";
        "Fark": "fark.com";
        "Metafilter": "metafilter.com";
        "StumbleUpon": "stumbleupon.com mix.com";
        "Product Hunt": "producthunt.com", "ph";
        "Indie Hackers": "indiehackers.com";
        "BetaList": "betalist.com";
        "Medium": "medium.com com.medium.reader";
        "XING": "xing.com com.xing.android";
        "Viadeo": "viadeo.com";
        "Nextdoor": "nextdoor.*";
        "Meetup": "meetup.com";
        "Eventbrite": "eventbrite.*";
        "Flickr": "flickr.com flic.kr";
        "500px": "500px.com";
        "Imgur": "imgur.com";
        "9GAG": "9gag.com";
        "DeviantArt": "deviantart.com";
        "Behance": "behance.net";
        "Dribbble": "dribbble.com";
        "ArtStation": "artstation.com";
        "Pixiv": "pixiv.net";
        "We Heart It": "weheartit.com";
        "Myspace": "myspace.com";
        "LiveJournal": "livejournal.com";
        "Blogger": "=blogger.com";
        "Disqus": "disqus.com disq.us";
        "Goodreads": "goodreads.com";
        "Last.fm": "last.fm lastfm.*";
        "Letterboxd": "letterboxd.com";
        "Strava": "strava.com com.strava";
        "Tripadvisor": "tripadvisor.*";
        "Yelp": "yelp.*";
        "Trustpilot": "trustpilot.com";
        "Foursquare": "foursquare.com swarmapp.com";
        "Patreon": "patreon.com";
        "Ko-fi": "ko-fi.com";
        "OnlyFans": "onlyfans.com";
        "Gab": "gab.com";
        "Truth Social": "truthsocial.com";
        "Parler": "parler.com";
        "MeWe": "mewe.com";
        "Minds": "minds.com";
        "Vero": "vero.co";
        "BeReal": "bereal.com bere.al";
        "Clubhouse": "clubhouse.com joinclubhouse.com";
        "Taringa": "taringa.net";
        "Wykop": "wykop.pl";
        "NK": "nk.pl";
        "Menéame": "meneame.net";
        "Jeuxvideo Forums": "forums.jeuxvideo.com";
        "Habr": "habr.com";
        "Pikabu": "pikabu.ru";
        "VC.ru": "vc.ru";
        "Gutefrage": "gutefrage.net";
        "Linktree": "linktr.ee";
        "Beacons": "beacons.ai";
        "Buffer": "buffer.com buff.ly";
        "Hootsuite": "hootsuite.com ow.ly";
        "Viva Engage": "yammer.com engage.cloud.microsoft", "yammer";
        "Classmates": "classmates.com";
        "Ning": "ning.com";
        "Skyrock": "skyrock.com";
        "Kaskus": "kaskus.co.id";
        "ShareChat": "sharechat.com";
        "Koo": "kooapp.com";
        "Farcaster": "farcaster.xyz warpcast.com";
        "Nostr": "primal.net snort.social";
        "Lemon8": "lemon8-app.com";
    }

    Messenger {
        "WhatsApp": "whatsapp.com wa.me whatsapp.net com.whatsapp com.whatsapp.w4b", "wa whats-app";
        "Messenger": "messenger.com m.me com.facebook.orca", "facebook-messenger fb-messenger";
        "Telegram":
            "telegram.org telegram.me t.me org.telegram.messenger org.telegram.messenger.web \
            org.thunderdog.challegram",
            "tg";
        "Signal": "signal.org signal.me org.thoughtcrime.securesms";
        "Threema": "threema.ch threema.id ch.threema.app";
        "Discord": "discord.com discordapp.com discord.gg com.discord";
        "Slack": "slack.com slack-redir.net com.slack";
        "Microsoft Teams":
            "teams.microsoft.com teams.live.com teams.cloud.microsoft com.microsoft.teams",
            "teams ms-teams msteams";
        "Google Chat": "chat.google.com com.google.android.apps.dynamite";
        "Google Messages": "messages.google.com com.google.android.apps.messaging";
        "Element (Matrix)": "element.io matrix.to im.vector.app io.element.android.x", "element";
        "Mattermost": "mattermost.com com.mattermost.rn";
        "Rocket.Chat": "rocket.chat chat.rocket.android";
        "Zulip": "zulip.com zulipchat.com com.zulipmobile";
        "Line": "line.me jp.naver.line.android";
        "KakaoTalk": "kakao.com kakaocorp.com com.kakao.talk", "kakao";
        "WeChat": "wechat.com weixin.qq.com weixin110.qq.com com.tencent.mm", "weixin";
        "QQ": "im.qq.com com.tencent.mobileqq";
        "Viber": "viber.com com.viber.voip";
        "Zalo": "zalo.me zaloapp.com com.zing.zalo";
        "Skype": "skype.com com.skype.raider";
        "Zoom": "zoom.us us.zoom.videomeetings";
        "Webex": "webex.com";
        "Google Meet": "meet.google.com";
        "Kik": "kik.com";
        "Wire": "app.wire.com com.wire";
    }

    Video {
        "YouTube":
            "youtube.* youtu.be youtube-nocookie.com com.google.android.youtube \
            com.google.android.apps.youtube.creator",
            "yt";
        "YouTube Kids": "youtubekids.com";
        "Vimeo": "vimeo.com com.vimeo.android.videoapp";
        "Twitch": "twitch.tv tv.twitch.android.app";
        "Kick": "kick.com";
        "Dailymotion": "dailymotion.com dai.ly com.dailymotion.dailymotion";
        "Bilibili": "bilibili.com b23.tv bilibili.tv tv.danmaku.bili";
        "Youku": "youku.com";
        "iQIYI": "iqiyi.com iq.com";
        "Tencent Video": "v.qq.com";
        "Ixigua": "ixigua.com";
        "Niconico": "nicovideo.jp nico.ms";
        "AbemaTV": "abema.tv";
        "AfreecaTV": "afreecatv.com sooplive.co.kr";
        "Naver TV": "tv.naver.com";
        "Rutube": "rutube.ru";
        "VK Video": "vkvideo.ru";
        "Netflix": "netflix.com com.netflix.mediaclient";
        "Disney+": "disneyplus.com", "disney-plus disneyplus";
        "Hulu": "hulu.com";
        "HBO Max": "max.com hbomax.com";
        "Prime Video": "primevideo.com com.amazon.avod.thirdpartyclient", "amazon-prime-video";
        "Peacock": "peacocktv.com";
        "Paramount+": "paramountplus.com", "paramount-plus";
        "Apple TV": "tv.apple.com";
        "Crunchyroll": "crunchyroll.com";
        "Plex": "plex.tv";
        "Pluto TV": "pluto.tv";
        "Tubi": "tubitv.com";
        "Roku": "roku.com";
        "Rumble": "rumble.com";
        "Odysee": "odysee.com lbry.tv";
        "BitChute": "bitchute.com";
        "PeerTube": "joinpeertube.org framatube.org peertube.tv";
        "Nebula": "nebula.tv";
        "TED": "ted.com";
        "Wistia": "wistia.com wistia.net";
        "Loom": "loom.com";
        "Vidyard": "vidyard.com";
        "Brightcove": "brightcove.com brightcove.net";
        "JW Player": "jwplayer.com";
        "Streamable": "streamable.com";
        "Metacafe": "metacafe.com";
        "Veoh": "veoh.com";
        "Ustream": "ustream.tv video.ibm.com";
        "Trovo": "trovo.live";
        "Likee": "likee.video";
        "Triller": "triller.co";
        "ARD Mediathek": "ardmediathek.de";
        "Joyn": "joyn.de";
        "Hotstar": "hotstar.com";
        "Viki": "viki.com";
    }

    Shopping {
        "Amazon":
            "amazon.* amzn.to amzn.eu amzn.com a.co com.amazon.mshop.android.shopping",
            "amzn amz";
        "eBay": "ebay.* ebay-kleinanzeigen.de com.ebay.mobile";
        "Etsy": "etsy.com etsy.me com.etsy.android";
        "Walmart": "walmart.* com.walmart.android";
        "Target": "=target.com com.target.ui";
        "Best Buy": "bestbuy.com bestbuy.ca";
        "Costco": "costco.*";
        "AliExpress": "aliexpress.* com.alibaba.aliexpresshd";
        "Alibaba": "=alibaba.com m.alibaba.com";
        "Taobao": "taobao.com tb.cn com.taobao.taobao";
        "Tmall": "tmall.com tmall.hk";
        "JD.com": "jd.com jd.hk com.jingdong.app.mall", "jd jingdong";
        "Pinduoduo": "pinduoduo.com yangkeduo.com";
        "Temu": "temu.com com.einnovation.temu";
        "SHEIN": "shein.* com.zzkko";
        "Wish.com": "=wish.com";
        "Shopee": "shopee.*";
        "Lazada": "lazada.*";
        "Tokopedia": "tokopedia.com";
        "Bukalapak": "bukalapak.com";
        "Flipkart": "flipkart.com com.flipkart.android";
        "Myntra": "myntra.com";
        "Meesho": "meesho.com";
        "Rakuten": "rakuten.*";
        "Yahoo! Shopping": "shopping.yahoo.*", "yahoo-shopping";
        "Mercari": "mercari.com";
        "Kakaku": "kakaku.com";
        "ZOZOTOWN": "zozo.jp";
        "Coupang": "coupang.com";
        "Gmarket": "gmarket.co.kr";
        "Naver Shopping": "shopping.naver.com smartstore.naver.com";
        "Mercado Libre": "mercadolibre.* mercadolivre.com.br", "mercadolivre";
        "Americanas": "americanas.com.br";
        "Magazine Luiza": "magazineluiza.com.br", "magalu";
        "Ozon": "ozon.ru";
        "Wildberries": "wildberries.* wb.ru";
        "Yandex Market": "market.yandex.*";
        "Avito": "avito.ru";
        "Allegro": "allegro.*";
        "OLX": "olx.*";
        "Ceneo": "ceneo.pl";
        "Heureka": "heureka.cz heureka.sk heureka.group";
        "Zboží.cz": "zbozi.cz", "zbozi";
        "Alza": "alza.cz alza.sk alza.de";
        "eMAG": "emag.ro emag.bg emag.hu";
        "Trendyol": "trendyol.com";
        "Hepsiburada": "hepsiburada.com";
        "N11": "n11.com";
        "Noon": "noon.com";
        "Jumia": "jumia.*";
        "Takealot": "takealot.com";
        "Google Shopping": "shopping.google.*", "google-merchant google-merchant-center froogle";
        "Bing Shopping": "shopping.bing.com";
        "Shop.app": "shop.app com.shopify.arrive";
        "Shopify": "=shopify.com =admin.shopify.com";
        "Idealo": "idealo.*";
        "Geizhals": "geizhals.de geizhals.at geizhals.eu skinflint.co.uk";
        "billiger.de": "billiger.de", "billiger";
        "guenstiger.de": "guenstiger.de", "guenstiger";
        "CHECK24": "check24.de";
        "mydealz": "mydealz.de";
        "Pepper": "pepper.com pepper.pl dealabs.com hotukdeals.com chollometro.com";
        "Slickdeals": "slickdeals.net";
        "Kleinanzeigen": "kleinanzeigen.de";
        "Otto": "=otto.de";
        "Zalando": "zalando.* de.zalando.mobile";
        "About You": "aboutyou.*";
        "ASOS": "asos.com";
        "Kaufland": "kaufland.de kaufland.cz";
        "MediaMarkt": "mediamarkt.*";
        "Saturn": "saturn.de";
        "Galaxus": "galaxus.* digitec.ch";
        "Ricardo": "ricardo.ch";
        "Tutti": "tutti.ch";
        "Willhaben": "willhaben.at";
        "IKEA": "ikea.com";
        "Decathlon": "decathlon.*";
        "Vinted": "vinted.*";
        "Depop": "depop.com";
        "Poshmark": "poshmark.com";
        "Grailed": "grailed.com";
        "bol.com": "bol.com", "bol";
        "Coolblue": "coolblue.nl coolblue.be coolblue.de";
        "Marktplaats": "marktplaats.nl";
        "2dehands": "2dehands.be";
        "PriceRunner": "pricerunner.*";
        "Prisjakt": "prisjakt.nu prisjakt.no pricespy.co.uk";
        "Blocket": "blocket.se";
        "FINN.no": "finn.no", "finn";
        "Tori": "tori.fi";
        "DBA": "dba.dk";
        "Cdiscount": "cdiscount.com";
        "Fnac": "fnac.*";
        "Darty": "darty.com";
        "Leboncoin": "leboncoin.fr";
        "ManoMano": "manomano.*";
        "Rakuten Kobo": "kobo.com";
        "El Corte Inglés": "elcorteingles.es", "el-corte-ingles";
        "Wallapop": "wallapop.com";
        "Subito": "subito.it";
        "Trovaprezzi": "trovaprezzi.it";
        "Skroutz": "skroutz.gr";
        "Gumtree": "gumtree.*";
        "Argos": "argos.co.uk";
        "Currys": "currys.co.uk";
        "John Lewis": "johnlewis.com";
        "Craigslist": "craigslist.org";
        "OfferUp": "offerup.com";
        "Wayfair": "wayfair.*";
        "Home Depot": "homedepot.com";
        "Lowe's": "lowes.com", "lowes";
        "Newegg": "newegg.com";
        "Overstock": "overstock.com";
        "Kohl's": "kohls.com", "kohls";
        "Macy's": "macys.com", "macys";
        "Sephora": "sephora.*";
        "Nordstrom": "nordstrom.com";
        "Zappos": "zappos.com";
        "Bandcamp": "bandcamp.com";
        "Discogs": "discogs.com";
        "Gumroad": "gumroad.com";
        "Redbubble": "redbubble.com";
        "PriceGrabber": "pricegrabber.com";
        "Shopzilla": "shopzilla.com bizrate.com";
        "CamelCamelCamel": "camelcamelcamel.com";
        "PayPal Honey": "joinhoney.com";
        "RetailMeNot": "retailmenot.com";
    }

    Email {
        "Gmail":
            "mail.google.com googlemail.com gmail.com com.google.android.gm \
            com.google.android.gm.lite",
            "googlemail";
        "Outlook":
            "outlook.live.com outlook.office.com outlook.office365.com outlook.cloud.microsoft \
            outlook.com hotmail.com mail.live.com com.microsoft.office.outlook",
            "outlook-com hotmail";
        "Yahoo! Mail":
            "mail.yahoo.* mail.yahoo.net com.yahoo.mobile.client.android.mail",
            "yahoo-mail yahoomail ymail";
        "Proton Mail": "mail.proton.me protonmail.com ch.protonmail.android", "protonmail proton";
        "Tuta": "tuta.com tutanota.com de.tutao.tutanota", "tutanota";
        "GMX": "gmx.* gmx.net de.gmx.mobile.android.mail";
        "WEB.DE": "web.de de.web.mobile.android.mail", "web-de";
        "mail.com": "mail.com";
        "IONOS Mail": "mail.ionos.* mailxchange.de", "ionos";
        "freenet Mail": "webmail.freenet.de email.freenet.de";
        "T-Online Mail": "email.t-online.de";
        "Posteo": "posteo.de";
        "mailbox.org": "mailbox.org";
        "Fastmail": "fastmail.com fastmail.fm";
        "Zoho Mail": "mail.zoho.* com.zoho.mail", "zoho";
        "iCloud Mail": "=icloud.com", "icloud";
        "AOL Mail": "mail.aol.com";
        "HEY Mail": "hey.com";
        "Superhuman": "mail.superhuman.com";
        "Yandex Mail": "mail.yandex.* ru.yandex.mail";
        "Mail.ru": "=mail.ru e.mail.ru touch.mail.ru ru.mail.mailapp", "mail-ru";
        "Rambler Mail": "mail.rambler.ru";
        "Seznam Email": "email.seznam.cz cz.seznam.email";
        "WP Poczta": "poczta.wp.pl poczta.o2.pl";
        "Onet Poczta": "poczta.onet.pl";
        "Interia Poczta": "poczta.interia.pl";
        "Orange Mail": "messagerie.orange.fr";
        "Free.fr Mail": "webmail.free.fr zimbra.free.fr";
        "La Poste": "laposte.net";
        "SFR Mail": "webmail.sfr.fr";
        "Libero Mail": "mail.libero.it webmail.libero.it";
        "Virgilio Mail": "mail.virgilio.it";
        "Tim Mail": "mail.tim.it";
        "Bluewin Mail": "email.bluewin.ch webmail.bluewin.ch";
        "Infomaniak Mail": "mail.infomaniak.com ksuite.infomaniak.com";
        "QQ Mail": "mail.qq.com com.tencent.androidqqmail";
        "163 Mail": "mail.163.com", "netease-mail";
        "126 Mail": "mail.126.com";
        "Sina Mail": "mail.sina.com.cn";
        "Naver Mail": "mail.naver.com";
        "Daum Mail": "mail.daum.net";
        "UOL Mail": "email.uol.com.br";
        "Terra Mail": "mail.terra.com.br";
        "Comcast Mail": "mail.comcast.net connect.xfinity.com";
        "Cox Mail": "webmail.cox.net";
        "EarthLink Mail": "webmail.earthlink.net";
        "Rackspace Mail": "apps.rackspace.com";
        "Samsung Email": "com.samsung.android.email.provider";
        "K-9 Mail": "com.fsck.k9", "k9";
        "Thunderbird": "net.thunderbird.android";
        "Spark Mail": "com.readdle.spark";
        "BlueMail": "me.bluemail.mail";
        "Mailchimp": "mailchimp.com mailchi.mp list-manage.com campaign-archive.com";
        "Brevo": "brevo.com sendinblue.com sibforms.com", "sendinblue";
        "Klaviyo": "klaviyo.com klaviyomail.com";
        "MailerLite": "mailerlite.com";
        "Constant Contact": "constantcontact.com";
        "Campaign Monitor": "campaignmonitor.com createsend.com";
        "ActiveCampaign": "activecampaign.com";
        "Kit (ConvertKit)": "kit.com convertkit.com convertkit-mail.com", "convertkit";
        "GetResponse": "getresponse.com";
        "SendGrid": "sendgrid.com sendgrid.net";
        "Mailgun": "mailgun.com mailgun.org";
        "Postmark": "postmarkapp.com";
        "Mailjet": "mailjet.com";
        "CleverReach": "cleverreach.com";
        "rapidmail": "rapidmail.de rapidmail.com";
        "Buttondown": "buttondown.com buttondown.email";
        "beehiiv": "beehiiv.com";
        "Omnisend": "omnisend.com";
        "Drip": "getdrip.com";
        "AWeber": "aweber.com";
        "Customer.io": "customer.io";
        "Iterable": "iterable.com";
        "Braze": "braze.com";
        "Salesforce Marketing Cloud": "exacttarget.com", "sfmc exacttarget";
        "Marketo": "marketo.com";
    }

    Audio {
        "Spotify": "spotify.com spotify.link com.spotify.music";
        "Apple Music": "music.apple.com";
        "Apple Podcasts": "podcasts.apple.com", "itunes-podcasts";
        "YouTube Music": "music.youtube.com com.google.android.apps.youtube.music";
        "SoundCloud": "soundcloud.com com.soundcloud.android";
        "Amazon Music": "music.amazon.*";
        "Audible": "audible.* com.audible.application";
        "Deezer": "deezer.com deezer.page.link deezer.android.app";
        "Tidal": "tidal.com";
        "Qobuz": "qobuz.com";
        "Pandora": "pandora.com";
        "iHeart": "iheart.com", "iheartradio";
        "TuneIn": "tunein.com";
        "Mixcloud": "mixcloud.com";
        "Audiomack": "audiomack.com";
        "Overcast": "overcast.fm";
        "Pocket Casts": "pocketcasts.com pca.st au.com.shiftyjelly.pocketcasts";
        "Castbox": "castbox.fm";
        "AntennaPod": "antennapod.org de.danoeh.antennapod";
        "Podbean": "podbean.com";
        "Buzzsprout": "buzzsprout.com";
        "Libsyn": "libsyn.com";
        "Acast": "acast.com";
        "Podigee": "podigee.io podigee.com";
        "Ximalaya": "ximalaya.com";
        "NetEase Music": "music.163.com";
        "Yandex Music": "music.yandex.*";
        "Shazam": "shazam.com";
        "Genius": "genius.com";
        "ARD Audiothek": "ardaudiothek.de";
    }

    News {
        "Google News": "news.google.* com.google.android.apps.magazines";
        "MSN": "msn.com msn.cn";
        "Yahoo! News": "news.yahoo.* finance.yahoo.* sports.yahoo.*";
        "Apple News": "apple.news";
        "Flipboard": "flipboard.com flip.it flipboard.app";
        "SmartNews": "smartnews.com jp.gocro.smartnews.android";
        "NewsBreak": "newsbreak.com";
        "Upday": "upday.com";
        "Pocket": "getpocket.com pocket.co";
        "Feedly": "feedly.com com.devhd.feedly";
        "Inoreader": "inoreader.com";
        "NewsBlur": "newsblur.com";
        "The Old Reader": "theoldreader.com";
        "Miniflux": "miniflux.app";
        "Instapaper": "instapaper.com";
        "Readwise": "readwise.io";
        "Substack": "substack.com com.substack.app";
        "Ground News": "ground.news";
        "AllSides": "allsides.com";
        "Techmeme": "techmeme.com";
        "Drudge Report": "drudgereport.com";
        "TLDR": "tldr.tech tldrnewsletter.com";
        "Morning Brew": "morningbrew.com";
        "Axios": "axios.com";
        "Politico": "politico.com politico.eu";
        "The New York Times": "nytimes.com nyti.ms", "nytimes nyt";
        "The Washington Post": "washingtonpost.com wapo.st", "washington-post";
        "The Wall Street Journal": "wsj.com", "wsj";
        "USA Today": "usatoday.com";
        "CNN": "cnn.com cnn.it";
        "Fox News": "foxnews.com";
        "NBC News": "nbcnews.com";
        "CBS News": "cbsnews.com";
        "ABC News": "abcnews.go.com";
        "NPR": "npr.org";
        "AP News": "apnews.com", "associated-press";
        "Reuters": "reuters.com reut.rs";
        "Bloomberg": "bloomberg.com bloom.bg";
        "CNBC": "cnbc.com";
        "Forbes": "forbes.com";
        "Business Insider": "businessinsider.*";
        "Fortune": "fortune.com";
        "The Economist": "economist.com";
        "Financial Times": "ft.com", "ft";
        "BBC": "bbc.co.uk bbc.com bbc.in";
        "The Guardian": "theguardian.com", "guardian";
        "The Telegraph": "telegraph.co.uk";
        "The Times": "thetimes.co.uk thetimes.com";
        "The Independent": "independent.co.uk";
        "Daily Mail": "dailymail.co.uk";
        "Sky News": "news.sky.com";
        "The Register": "theregister.com theregister.co.uk";
        "Ars Technica": "arstechnica.com";
        "The Verge": "theverge.com";
        "TechCrunch": "techcrunch.com tcrn.ch";
        "Wired": "wired.com";
        "Engadget": "engadget.com";
        "CNET": "cnet.com";
        "ZDNET": "zdnet.com zdnet.de";
        "VentureBeat": "venturebeat.com";
        "Mashable": "mashable.com";
        "Gizmodo": "gizmodo.com";
        "Lifehacker": "lifehacker.com";
        "BuzzFeed": "buzzfeed.com buzzfeednews.com";
        "HuffPost": "huffpost.com huffingtonpost.com";
        "Vice": "vice.com";
        "Vox": "=vox.com";
        "Der Spiegel": "spiegel.de", "spiegel";
        "Die Zeit": "zeit.de", "zeit";
        "FAZ": "faz.net";
        "Süddeutsche Zeitung": "sueddeutsche.de sz.de", "sueddeutsche";
        "Die Welt": "welt.de", "welt";
        "Bild": "bild.de";
        "taz": "taz.de";
        "Focus Online": "focus.de";
        "Stern": "stern.de";
        "Tagesschau": "tagesschau.de";
        "ZDFheute": "zdf.de zdfheute.de";
        "n-tv": "n-tv.de";
        "heise online": "heise.de", "heise";
        "Golem": "golem.de";
        "t3n": "t3n.de";
        "netzpolitik.org": "netzpolitik.org", "netzpolitik";
        "t-online": "=t-online.de";
        "Der Standard": "derstandard.at derstandard.de";
        "ORF": "orf.at";
        "NZZ": "nzz.ch";
        "SRF": "srf.ch";
        "20 Minuten": "20min.ch";
        "Tages-Anzeiger": "tagesanzeiger.ch";
        "Le Monde": "lemonde.fr";
        "Le Figaro": "lefigaro.fr";
        "Libération": "liberation.fr", "liberation";
        "Franceinfo": "francetvinfo.fr franceinfo.fr";
        "El País": "elpais.com", "el-pais";
        "El Mundo": "elmundo.es";
        "La Vanguardia": "lavanguardia.com";
        "Corriere della Sera": "corriere.it";
        "la Repubblica": "repubblica.it";
        "NOS": "nos.nl";
        "NU.nl": "nu.nl";
        "Tweakers": "tweakers.net";
        "De Standaard": "standaard.be";
        "VRT": "vrt.be";
        "Aftonbladet": "aftonbladet.se";
        "SVT": "svt.se";
        "VG": "vg.no";
        "NRK": "nrk.no";
        "DR": "dr.dk";
        "Yle": "yle.fi";
        "Helsingin Sanomat": "hs.fi";
        "Onet": "=onet.pl =m.onet.pl wiadomosci.onet.pl";
        "Wirtualna Polska": "=wp.pl wiadomosci.wp.pl";
        "Novinky": "novinky.cz";
        "iDNES": "idnes.cz";
        "Globo": "globo.com";
        "UOL": "=uol.com.br noticias.uol.com.br";
        "Folha": "folha.uol.com.br";
        "Clarín": "clarin.com", "clarin";
        "Toutiao": "toutiao.com";
        "Sina": "sina.com.cn sina.cn";
        "NetEase": "=163.com news.163.com";
        "Naver News": "news.naver.com";
        "Daum News": "news.daum.net v.daum.net";
        "The Japan Times": "japantimes.co.jp";
        "Nikkei": "nikkei.com";
        "Asahi Shimbun": "asahi.com";
        "The Times of India": "timesofindia.indiatimes.com";
        "NDTV": "ndtv.com";
        "The Hindu": "thehindu.com";
        "Al Jazeera": "aljazeera.com";
        "Deutsche Welle": "dw.com";
        "ABC Australia": "abc.net.au";
        "CBC": "cbc.ca";
        "Yandex News": "news.yandex.*";
        "Lenta.ru": "lenta.ru";
        "Meduza": "meduza.io";
        "LWN": "lwn.net";
    }

    Developer {
        "GitHub": "github.com com.github.android", "gh";
        "GitLab": "gitlab.com";
        "Bitbucket": "bitbucket.org";
        "Codeberg": "codeberg.org";
        "SourceHut": "sr.ht sourcehut.org";
        "SourceForge": "sourceforge.net";
        "Gitee": "gitee.com";
        "Launchpad": "launchpad.net";
        "Stack Overflow": "stackoverflow.com", "stackoverflow";
        "Stack Exchange":
            "stackexchange.com superuser.com serverfault.com askubuntu.com mathoverflow.net";
        "npm": "npmjs.com npmjs.org", "npmjs";
        "jsDelivr": "jsdelivr.com";
        "crates.io": "crates.io";
        "Docs.rs": "docs.rs";
        "lib.rs": "lib.rs";
        "This Week in Rust": "this-week-in-rust.org", "twir";
        "Rust": "rust-lang.org";
        "PyPI": "pypi.org";
        "Read the Docs": "readthedocs.org";
        "RubyGems": "rubygems.org";
        "Packagist": "packagist.org";
        "NuGet": "nuget.org";
        "Maven Central": "mvnrepository.com central.sonatype.com search.maven.org";
        "pkg.go.dev": "pkg.go.dev";
        "Hex": "hex.pm hexdocs.pm";
        "Docker Hub": "hub.docker.com";
        "Homebrew": "brew.sh";
        "Flathub": "flathub.org";
        "F-Droid": "f-droid.org org.fdroid.fdroid";
        "Dev.to": "dev.to", "devto";
        "Hashnode": "hashnode.com";
        "freeCodeCamp": "freecodecamp.org";
        "CodePen": "codepen.io";
        "JSFiddle": "jsfiddle.net";
        "CodeSandbox": "codesandbox.io";
        "StackBlitz": "stackblitz.com";
        "Replit": "replit.com";
        "Glitch": "glitch.com";
        "Hugging Face": "huggingface.co hf.co", "huggingface";
        "Kaggle": "kaggle.com";
        "Google Colab": "colab.research.google.com";
        "MDN": "developer.mozilla.org";
        "W3Schools": "w3schools.com";
        "CSS-Tricks": "css-tricks.com";
        "Smashing Magazine": "smashingmagazine.com";
        "daily.dev": "daily.dev";
        "Hacker Noon": "hackernoon.com";
        "DZone": "dzone.com";
        "InfoQ": "infoq.com infoq.cn";
        "Changelog": "changelog.com";
        "JavaScript Weekly": "javascriptweekly.com";
        "Qiita": "qiita.com";
        "Zenn": "zenn.dev";
        "CSDN": "csdn.net";
        "Juejin": "juejin.cn";
        "SegmentFault": "segmentfault.com";
        "V2EX": "v2ex.com";
        "GeeksforGeeks": "geeksforgeeks.org";
        "LeetCode": "leetcode.com";
        "Vercel": "=vercel.com";
        "Netlify": "=netlify.com app.netlify.com";
        "Cloudflare": "cloudflare.com";
        "AWS": "aws.amazon.com", "amazon-web-services";
        "Microsoft Learn": "learn.microsoft.com docs.microsoft.com";
        "AlternativeTo": "alternativeto.net";
        "LibHunt": "libhunt.com";
        "Awesome Self-Hosted": "awesome-selfhosted.net";
        "WordPress.org": "wordpress.org";
        "Atlassian": "atlassian.net atlassian.com", "jira confluence";
        "Linear": "linear.app";
    }

    Reference {
        "Wikipedia": "wikipedia.org wikipedia.com wikiwand.com org.wikipedia", "wiki";
        "Wikimedia":
            "wikimedia.org wikidata.org wiktionary.org wikivoyage.org wikibooks.org \
            wikisource.org wikiquote.org";
        "Fandom": "fandom.com wikia.com", "wikia";
        "Britannica": "britannica.com";
        "Baidu Baike": "baike.baidu.com";
        "Baidu Zhidao": "zhidao.baidu.com";
        "Namuwiki": "namu.wiki";
        "wikiHow": "wikihow.com";
        "WolframAlpha": "wolframalpha.com";
        "Internet Archive": "archive.org";
        "archive.today": "archive.today archive.ph archive.is";
        "arXiv": "arxiv.org";
        "Google Scholar": "scholar.google.*";
        "ResearchGate": "researchgate.net";
        "Academia.edu": "academia.edu";
        "Semantic Scholar": "semanticscholar.org";
        "PubMed": "ncbi.nlm.nih.gov";
        "IMDb": "imdb.com";
        "Google Translate": "translate.google.* translate.goog";
        "DeepL": "deepl.com";
        "Google Docs": "docs.google.com";
        "Google Drive": "drive.google.com com.google.android.apps.docs";
        "Google Sites": "sites.google.com";
        "Google Classroom": "classroom.google.com";
        "Google Calendar": "calendar.google.com";
        "Google Groups": "groups.google.com";
        "Google Keep": "keep.google.com";
        "Google Maps": "maps.google.* maps.app.goo.gl com.google.android.apps.maps";
        "Google Play": "play.google.com com.android.vending", "play-store google-play-store";
        "App Store": "apps.apple.com itunes.apple.com", "apple-app-store";
        "Microsoft 365": "office.com sharepoint.com onedrive.live.com", "sharepoint";
        "Dropbox": "dropbox.com";
        "Box": "app.box.com";
        "Notion": "notion.so notion.com";
        "Airtable": "airtable.com";
        "Evernote": "evernote.com";
        "Trello": "trello.com";
        "Asana": "app.asana.com";
        "ClickUp": "app.clickup.com";
        "monday.com": "monday.com";
        "Basecamp": "basecamp.com";
        "Miro": "miro.com";
        "Figma": "figma.com";
        "Canva": "canva.com";
        "Coda": "coda.io";
        "Quip": "quip.com";
        "Typeform": "typeform.com";
        "SurveyMonkey": "surveymonkey.com";
        "SlideShare": "slideshare.net";
        "Scribd": "scribd.com";
        "Issuu": "issuu.com";
        "Moodle": "moodle.org";
        "Coursera": "coursera.org";
        "Udemy": "udemy.com";
        "Khan Academy": "khanacademy.org";
        "Raindrop": "raindrop.io";
        "Pinboard": "pinboard.in";
        "Are.na": "are.na";
        "Start.me": "start.me";
        "G2": "g2.com";
        "Capterra": "capterra.*";
        "Glassdoor": "glassdoor.*";
        "Indeed": "indeed.*";
        "StepStone": "stepstone.*";
        "Booking.com": "booking.com", "booking";
        "Airbnb": "airbnb.*";
        "Apple Maps": "maps.apple.com";
        "OpenStreetMap": "openstreetmap.org osm.org", "osm";
        "Bitly": "bitly.com bit.ly";
        "TinyURL": "tinyurl.com";
        "HubSpot": "hubspot.com";
    }
}
