//! Path clean-up: parts of a path that name a person or one thing of theirs become `:email` and
//! `:id`. A site setting; [`clean`] is called only where it is on.
//!
//! What is replaced, within the parts that `/ # ? & = ; , :` make:
//! - a part with an e-mail address in it, whole, but for a file ending: `:email`;
//! - a UUID; a word of at least [`HEX_CHARS_MIN`] hexadecimal digits, one of them 0 to 9; a ULID:
//!   `:id`, also within a part (`report-<uuid>.pdf`);
//! - at least [`DIGITS_MIN`] decimal digits that are the whole part, but for a file ending: `:id`.
//!   Dates stay (`202401`, `20240131`), and so do digits in a title (`some-news-12345678`), which
//!   are what tells one article from another;
//! - a random-looking token of at least [`TOKEN_CHARS_MIN`] characters: `:id`.
//!
//! Always holds: what was cleaned is clean (`cleaning_twice_changes_nothing`), the result is never
//! longer, and where nothing is replaced nothing is allocated.

use std::borrow::Cow;

/// Fewest decimal digits that are an id: years and short numbers stay, most counters of users
/// and orders go.
pub const DIGITS_MIN: usize = 6;
/// Fewest hexadecimal digits that are an id.
pub const HEX_CHARS_MIN: usize = 16;
/// Fewest characters of a token that is an id for being random.
pub const TOKEN_CHARS_MIN: usize = 24;

/// What is shorter holds neither an address (`a@b.cd`) nor an id.
const PART_BYTES_MIN: usize = 6;

const EMAIL: &str = ":email";
const ID: &str = ":id";

/// Cleans a page as [`crate::page_url::PageUrl`] gives it: percent-decoded, with `#` and the
/// fragment in hash mode.
pub fn clean(page: &str) -> Cow<'_, str> {
    // Nothing is replaced that has neither a digit nor an at sign.
    if !page.bytes().any(|b| b.is_ascii_digit() || b == b'@') {
        return Cow::Borrowed(page);
    }
    let may_have_email = page.bytes().any(|b| matches!(b, b'@' | b'%'));
    let mut out = Cleaned::of(page);
    let mut rest = page;
    while !rest.is_empty() {
        // What an earlier clean-up put in stands between parts, as a separator does.
        let after_separator = rest
            .strip_prefix(EMAIL)
            .or_else(|| rest.strip_prefix(ID))
            .or_else(|| rest.strip_prefix(is_separator));
        if let Some(after) = after_separator {
            rest = after;
            continue;
        }
        let (part, after) = split(rest, rest.find(is_separator).unwrap_or(rest.len()));
        if part.len() >= PART_BYTES_MIN {
            clean_part(part, page.len() - rest.len(), may_have_email, &mut out);
        }
        rest = after;
    }
    out.finish()
}

const fn is_separator(c: char) -> bool {
    matches!(c, '/' | '#' | '?' | '&' | '=' | ';' | ',' | ':')
}

fn clean_part(part: &str, mut at: usize, may_have_email: bool, out: &mut Cleaned) {
    if may_have_email && let Some(len) = email_len(part) {
        out.replace(at, len, EMAIL);
        return;
    }
    // First what is found within a part; then what the pieces between are as a whole.
    let mut rest = part;
    while let Some((start, len)) = find_id(rest) {
        let (piece, found) = split(rest, start);
        clean_piece(piece, at, out);
        out.replace(at + start, len, ID);
        rest = split(found, len).1;
        at += start + len;
    }
    clean_piece(rest, at, out);
}

fn clean_piece(piece: &str, mut at: usize, out: &mut Cleaned) {
    let mut rest = piece;
    if let Some(len) = digits_len(piece) {
        out.replace(at, len, ID);
        rest = split(piece, len).1;
        at += len;
    }
    for run in rest.split_inclusive(|c| !is_token_char(c)) {
        let token = run.trim_end_matches(|c| !is_token_char(c));
        if is_random(token) {
            out.replace(at, token.len(), ID);
        }
        at += run.len();
    }
}

fn split(text: &str, at: usize) -> (&str, &str) {
    text.split_at_checked(at).unwrap_or((text, ""))
}

/// The result as it grows; no text as long as nothing was replaced.
struct Cleaned<'a> {
    page: &'a str,
    /// How much of the page the text stands for, bytes.
    done: usize,
    text: Option<String>,
}

impl<'a> Cleaned<'a> {
    fn of(page: &'a str) -> Self {
        let (done, text) = (0, None);
        Self { page, done, text }
    }

    /// Puts `by` in the place of `len` bytes at `at`; places only grow.
    fn replace(&mut self, at: usize, len: usize, by: &str) {
        let room = self.page.len();
        let text = self.text.get_or_insert_with(|| String::with_capacity(room));
        text.push_str(self.page.get(self.done..at).unwrap_or_default());
        text.push_str(by);
        self.done = at + len;
    }

    fn finish(self) -> Cow<'a, str> {
        let Some(mut text) = self.text else {
            return Cow::Borrowed(self.page);
        };
        text.push_str(self.page.get(self.done..).unwrap_or_default());
        Cow::Owned(text)
    }
}

/// File endings, none of them a top-level domain: `logo@2x.png` is no address.
const FILE_ENDINGS: [&str; 27] = [
    "html", "htm", "xhtml", "php", "asp", "aspx", "jsp", "json", "xml", "pdf", "txt", "csv", "doc",
    "docx", "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "css", "js", "mjs", "min",
    "mp4",
];

/// How much of a part `:email` stands for: all but the file ending of a part with an address.
fn email_len(part: &str) -> Option<usize> {
    let mut stem = part;
    while let Some((shorter, ending)) = stem.rsplit_once('.')
        && FILE_ENDINGS.iter().any(|e| e.eq_ignore_ascii_case(ending))
    {
        stem = shorter;
    }
    // `%40` is what a path encoded twice, or not decodable, has for an at sign.
    let mut at_signs = stem.match_indices('@').chain(stem.match_indices("%40"));
    let has_address = at_signs.any(|(at, sign)| {
        let (before, after) = split(stem, at);
        let before_is_name = |c: char| !c.is_whitespace() && c != '@';
        before.chars().next_back().is_some_and(before_is_name)
            && is_domain(split(after, sign.len()).1)
    });
    has_address.then_some(stem.len())
}

/// Whether a text begins with a domain: labels, and of those after the first one that begins with
/// two letters. `4.17.21` and `1.0.0-beta.rc` are versions, as in `react@18.3.0-next.abc`.
fn is_domain(text: &str) -> bool {
    let ends = |c: char| !c.is_alphanumeric() && !matches!(c, '-' | '.');
    let domain = text.split(ends).next().unwrap_or_default();
    for (position, label) in domain.split('.').enumerate() {
        let is_number = label.bytes().all(|b| b.is_ascii_digit());
        if label.is_empty() || position == 1 && is_number {
            return false;
        }
        if position > 0 && label.chars().take_while(|c| c.is_alphabetic()).count() >= 2 {
            return true;
        }
    }
    false
}

/// Where the first UUID, hexadecimal word or ULID begins, and how long it is.
fn find_id(text: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    while let Some(rest) = text.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
        let word_len = rest
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        let word = rest.get(..word_len).unwrap_or_default();
        if is_uuid(rest) {
            return Some((at, UUID_LEN));
        }
        if is_hex_id(word) || is_ulid(word) {
            return Some((at, word_len));
        }
        at += word_len.max(1);
    }
    None
}

const UUID_LEN: usize = 36;

/// Whether a text begins with 8-4-4-4-12 hexadecimal digits that end there.
fn is_uuid(text: &[u8]) -> bool {
    let Some((uuid, after)) = text.split_at_checked(UUID_LEN) else {
        return false;
    };
    !after.first().is_some_and(u8::is_ascii_alphanumeric)
        && uuid.iter().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

fn is_hex_id(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"0x").unwrap_or(word);
    word.len() >= HEX_CHARS_MIN
        && word.iter().all(u8::is_ascii_hexdigit)
        && word.iter().any(u8::is_ascii_digit)
}

/// 26 characters of Crockford's Base32 in one case, the first 0 to 7 (github.com/ulid/spec).
fn is_ulid(word: &[u8]) -> bool {
    let in_alphabet = |b: &u8| !matches!(b.to_ascii_uppercase(), b'I' | b'L' | b'O' | b'U');
    word.len() == 26
        && matches!(word.first(), Some(b'0'..=b'7'))
        && word.iter().all(in_alphabet)
        && !(word.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase))
}

/// How many digits a piece that is an id by its digits begins with.
fn digits_len(piece: &str) -> Option<usize> {
    let after = piece.trim_start_matches(|c: char| c.is_ascii_digit());
    let len = piece.len() - after.len();
    let ends = match after.as_bytes() {
        [] => true,
        [b'.', first, ..] => first.is_ascii_alphabetic(),
        _ => false,
    };
    (len >= DIGITS_MIN && ends && !is_date(split(piece, len).0)).then_some(len)
}

/// `yyyymm` or `yyyymmdd` of this century or the last.
fn is_date(digits: &str) -> bool {
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<u16>().ok();
    matches!(digits.len(), 6 | 8)
        && matches!(number(0, 4), Some(1900..=2099))
        && matches!(number(4, 6), Some(1..=12))
        && (digits.len() == 6 || matches!(number(6, 8), Some(1..=31)))
}

const fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// Whether a token looks random: long, one word of it at least half as long, and letters and
/// digits, small letters and capitals follow each other as they do in no title: at least at
/// every fourth character. (Random base64 has that at every second or third.)
fn is_random(token: &str) -> bool {
    let is_joint = |c: char| matches!(c, '-' | '_');
    let has_long_word = || {
        token
            .split(is_joint)
            .any(|w| 2 * w.len() >= TOKEN_CHARS_MIN)
    };
    let breaks = |(a, b): (u8, u8)| {
        a.is_ascii_lowercase() && b.is_ascii_uppercase()
            || a.is_ascii_digit() && b.is_ascii_alphabetic()
            || a.is_ascii_alphabetic() && b.is_ascii_digit()
    };
    token.len() >= TOKEN_CHARS_MIN
        && token.bytes().any(|b| b.is_ascii_digit())
        && has_long_word()
        && 4 * token
            .bytes()
            .zip(token.bytes().skip(1))
            .filter(|p| breaks(*p))
            .count()
            >= token.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_names_a_person_or_a_thing_of_theirs_is_replaced() {
        for (page, cleaned) in [
            ("/user/ada@example.com", "/user/:email"),
            ("/user/ada@example.com/edit", "/user/:email/edit"),
            ("/ada@example.com.html", "/:email.html"),
            ("/Ada.B+tag@mail.example.co.uk", "/:email"),
            ("/user-ada@example.com-edit", "/:email"),
            ("/jürgen@müller.example", "/:email"),
            ("/x/12345@163.com", "/x/:email"),
            ("/@ada@mastodon.social", "/:email"),
            ("/a%40example.com/%ff", "/:email/%ff"),
            ("/a#/user/ada@example.com", "/a#/user/:email"),
            (
                "/#/s?mail=ada@example.com&x=b@c.de",
                "/#/s?mail=:email&x=:email",
            ),
            (
                "/to/mailto:ada@example.com,bob@example.com",
                "/to/mailto::email,:email",
            ),
            ("/u/550e8400-e29b-41d4-a716-446655440000", "/u/:id"),
            ("/u/550E8400-E29B-41D4-A716-446655440000/x", "/u/:id/x"),
            (
                "/report-550e8400-e29b-41d4-a716-446655440000.pdf",
                "/report-:id.pdf",
            ),
            ("/{550e8400-e29b-41d4-a716-446655440000}", "/{:id}"),
            ("/c/9fceb02d0ae598e95dc970b74767f19372d61af8", "/c/:id"),
            ("/app.3f2a9c1b0d4e5f6a.js", "/app.:id.js"),
            (
                "/Page-Title-0123456789abcdef0123456789abcdef",
                "/Page-Title-:id",
            ),
            ("/tx/0xde0b295669a9fd93d5f28d9ec85e40f4cb697bae", "/tx/:id"),
            ("/p;jsessionid=0123456789ABCDEF0123", "/p;jsessionid=:id"),
            ("/order/123456", "/order/:id"),
            ("/order/123456/", "/order/:id/"),
            ("/order/1234567.html", "/order/:id.html"),
            ("/order/1234567.tar.gz", "/order/:id.tar.gz"),
            ("/t/20241301", "/t/:id"),
            ("/t/20240131120000", "/t/:id"),
            ("/i/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/i/:id"),
            ("/i/01arz3ndektsv4rrffq69g5fav", "/i/:id"),
            (
                "/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
                "/d/:id/edit",
            ),
            ("/k/k3j9x0q7w5b2n8m4c6v1z0p3.json", "/k/:id.json"),
            ("/reset/Zk9fQ2xL8Hs3LmT0_pYw7RbV4cNd", "/reset/:id"),
            ("/123456/654321", "/:id/:id"),
        ] {
            assert_eq!(clean(page), cleaned);
        }
    }

    #[test]
    fn ordinary_paths_stay() {
        let ordinary = "
            / /about /about-us/ /index.html /blog/2024/01/31/a-title /blog/2024-01-31-a-title
            /2024 /2024/ /202401 /20240131 /news/20240131/title /news/19991231.html /archive/1998
            /12345 /p/99999 /page/2 /en-US/docs /de/impressum /docs/v1.2.3 /docs/v1.2.3-rc.1/api
            /3.14 /releases/tag/v0.13.0 /download/app-2.10.4-x86_64.tar.gz /python3.12/library
            /product-slugs-with-numbers-2024 /top-10-phones-of-2024-under-500 /iphone-15-pro-max
            /iPhone15ProMax /samsung-galaxy-s24-ultra-5g-512gb /rtx-4090-vs-rx-7900-xtx /covid19
            /h1n1-h5n1-h7n9-covid19-news /windows-11-23h2-kb5034441-update /kb5034441 /rfc9110
            /wiki/ISO_8601 /wiki/Apollo_11 /wiki/C%2B%2B /wiki/2001:_A_Space_Odyssey /c++ /c# /a+b
            /news/world-europe-66778899 /title-1234567.html /artikel/a-1234567.html /dp/B08N5WRWNW
            /watch/dQw4w9WgXcQ /shorts/a1B2c3D4e5F /my-title-abcdef123456 /commit/9fceb02 /t5-p1/x
            /this-is-a-very-long-kebab-title-about-many-things-and-nothing-at-all-really
            /My-Great-Article-About-2024-Olympics-In-Paris /CamelCaseWikiPage/AnotherLongCamelCaseTitle
            /donaudampfschifffahrtsgesellschaftskapitän /supercalifragilisticexpialidocious2024
            /über-uns /straße/münchen-80331 /café/crème-brûlée /año-2024 /日本語/記事 /新闻/2024年1月
            /한국어/문서 /статьи/новости-2024 /العربية/مقال /ไทย /ελληνικά /emoji-🎉-2024
            /@ada /@user.name /@scope/pkg /npm/lodash@4.17.21 /npm/react@18.3.0-next.abc/umd/r.js
            /npm/bootstrap@5.3.0.min.js /img/logo@2x.png /photo@home.jpg /maps/@52.52,13.405,15z
            /photos/1234@N00 /pkg@latest /a@b /user@localhost /x@1.2.3 /docs@next/intro
            /#/settings /#section-2 /a#/b/c /app#/page?tab=2&sort=price /search;page=2 /a:b/c:12
            /IMG_20240131_120102.jpg /DSC_0001.JPG /PXL_20240131_120102345.jpg /robots.txt /feed.xml
            /wp-content/uploads/2024/01/photo-1024x768.jpg /sitemap-2024-01.xml /favicon.ico
            /s/abc123 /u/ada1990 /ads/summer24 /catalog/0815 /zip/80331 /hotel/5-sterne /24h /1-2-3
            /deadbeef /facade-decade-cafe /feedfacedeadbeefcafe /abcdefabcdefabcdef /q3-2024 /2023-24
            /order-1234567 /invoice-2024-000123 /ticket/ABC-12345 /flight/LH400 /isbn-9783161484100
            /item_1234567890 /chapter-01/section-002 /100-000-users /1.000.000 /99-99 /50% /:id /:email
            /blog/how-to-use-base64-and-sha256-with-aes128-in-python3-and-utf8 /mp3-to-mp4-h264-h265
        ";
        let paths: Vec<_> = ordinary.split_whitespace().collect();
        assert!(paths.len() >= 100);
        for path in paths
            .into_iter()
            .chain(["", " ", "/a b/c d 2024", "/mail@ home.page"])
        {
            assert!(
                matches!(clean(path), Cow::Borrowed(same) if same == path),
                "{path}"
            );
        }
    }

    /// Texts made of what the rules look for, side by side.
    fn tricky() -> impl Strategy<Value = String> {
        let atom = prop_oneof![
            "[/#?&=;,:.@_~+ -]",
            "[0-9]{1,9}",
            "[0-9a-f]{10,20}",
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[a-zA-Z0-9_-]{6,30}",
            "[0-7][0-9A-HJKMNP-TV-Z]{25}",
            "[a-z]{1,3}(@|%40)[a-z0-9]{1,3}(\\.[a-z0-9]{1,3}){0,2}",
            "(\\.html|\\.min|\\.js|:id|:email|:|%40|ü|0x)",
        ];
        prop::collection::vec(atom, 0..10).prop_map(|atoms| atoms.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn cleaning_twice_changes_nothing(page in prop_oneof![tricky(), any::<String>()]) {
            let once = clean(&page);
            prop_assert!(once.len() <= page.len());
            prop_assert_eq!(&clean(&once), &once);
        }
    }
}
