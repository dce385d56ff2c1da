//! What a browser loads beside pages: styles and the script, embedded, made by `web/build.mjs`.
//!
//! The address of each holds a hash of what is in it, so a browser keeps it for good and never asks
//! again; templates take it from the constants here. All of it together is at most 60,000 bytes
//! gzipped (the build sees to it).

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

include!(concat!(env!("OUT_DIR"), "/assets/assets.rs"));

/// For a year, without asking again.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// One of them.
#[derive(Debug)]
pub struct Asset {
    /// Where it is, with its hash.
    pub path: &'static str,
    content_type: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
    brotli: &'static [u8],
}

impl Asset {
    /// The answer to whoever asks for it, packed as they take it.
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        let (bytes, encoding) = if accepts(headers, "br") {
            (self.brotli, Some("br"))
        } else if accepts(headers, "gzip") {
            (self.gzip, Some("gzip"))
        } else {
            (self.plain, None)
        };
        let told = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, FOR_GOOD),
            (header::VARY, "accept-encoding"),
        ];
        let mut response = (told, bytes).into_response();
        if let Some(encoding) = encoding {
            let encoding = HeaderValue::from_static(encoding);
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, encoding);
        }
        response
    }
}

/// Whether somebody takes an encoding: it is named, and not with the weight 0.
pub fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut named = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    named.any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        let is_refused = weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0);
        name.trim().eq_ignore_ascii_case(encoding) && !is_refused
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn headers(accept: &str) -> HeaderMap {
        let value = HeaderValue::from_str(accept).unwrap();
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)])
    }

    #[test]
    fn everything_together_is_small() {
        let gzip: usize = ALL.iter().map(|asset| asset.gzip.len()).sum();
        assert!((10_000..=60_000).contains(&gzip), "{gzip}");
    }

    #[test]
    fn what_is_packed_is_the_same() {
        for asset in &ALL {
            let mut text = Vec::new();
            let mut unpacked = flate2::read::GzDecoder::new(asset.gzip);
            unpacked.read_to_end(&mut text).unwrap();
            assert_eq!(text, asset.plain, "{}", asset.path);
        }
    }

    #[test]
    fn an_asset_is_kept_for_good_and_packed_as_it_is_taken() {
        let asset = &ALL[0];
        for (accept, encoding) in [
            ("gzip, deflate, br", "br"),
            ("gzip, br;q=0", "gzip"),
            ("GZIP;q=0.5", "gzip"),
            ("identity", ""),
            ("", ""),
            ("brotli, xgzip", ""),
        ] {
            let answer = asset.answer(&headers(accept));
            let told = |name| {
                let value: Option<&HeaderValue> = answer.headers().get(name);
                value.map_or("", |value| value.to_str().unwrap()).to_owned()
            };
            assert_eq!(told(header::CONTENT_ENCODING), encoding, "{accept}");
            assert_eq!(told(header::CACHE_CONTROL), FOR_GOOD);
            assert_eq!(told(header::CONTENT_TYPE), "text/css; charset=utf-8");
            assert_eq!(told(header::VARY), "accept-encoding");
        }
    }

    /// An address without its hash would be there today and gone tomorrow.
    #[test]
    fn templates_take_addresses_from_here() {
        let mut folders = vec![std::path::PathBuf::from("templates")];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(!text.contains("\"/assets/"), "{}", path.display());
                seen += 1;
            }
        }
        assert!(seen > 10, "{seen}");
    }
}
