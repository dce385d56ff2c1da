//! The second step of a log-in: codes of an app (TOTP, RFC 6238: SHA-1, 6 digits, 30 s), and recovery
//! codes for when the app is lost.

use data_encoding::BASE32_NOPAD;
use qrcode::{Color, EcLevel, QrCode};
use sha2::{Digest, Sha256};
use shared::clock::UnixMs;
use totp_rs::{Algorithm, Builder, Totp};

use crate::error::{Error, Result};

/// Bytes of a secret, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// Recovery codes of an account.
pub const RECOVERY_CODES: usize = 10;
/// Of a recovery code, random bytes: 16 letters and digits in four groups.
const RECOVERY_BYTES: usize = 10;

/// A new secret.
///
/// # Errors
/// The system has no random source.
pub fn new_secret() -> Result<Vec<u8>> {
    let mut bytes = vec![0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

fn totp(secret: &[u8], mail: &str) -> Option<Totp> {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(30)
        .with_secret(secret.to_vec())
        .with_account_name(mail)
        .with_issuer(Some("Dayfly"))
        .build()
        .ok()
}

/// The step of a code that is right now, give or take one step. A step may be used once: that is for
/// the store to see to.
pub fn step_of(secret: &[u8], code: &str, now_ms: UnixMs) -> Option<i64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let now_s = u64::try_from(now_ms.div_euclid(1_000)).ok()?;
    let step = totp(secret, "x")?.check(&digits, now_s)?;
    i64::try_from(step).ok()
}

/// The code that an app shows at a moment.
#[cfg(test)]
pub fn code_at(secret: &[u8], now_ms: UnixMs) -> String {
    let now_s = u64::try_from(now_ms / 1_000).unwrap();
    totp(secret, "x").unwrap().generate(now_s).to_string()
}

/// How a secret is shown to somebody's app.
pub struct Shown {
    /// In groups of four, to be typed.
    pub text: String,
    /// `otpauth://…`, for apps on the same device.
    pub url: String,
    /// The same as a picture: an SVG path of squares of 1 × 1.
    pub path: String,
    /// Of the picture, with its quiet zone: the length of a side.
    pub side: usize,
}

/// Shows a secret of the account of a mail address.
///
/// # Errors
/// It is no secret of ours.
pub fn show(secret: &[u8], mail: &str) -> Result<Shown> {
    let unreadable = || Error::Invalid("a stored TOTP secret cannot be read".into());
    let totp = totp(secret, mail).ok_or_else(unreadable)?;
    let url = totp.to_url().map_err(|_| unreadable())?;
    let code = QrCode::with_error_correction_level(&url, EcLevel::M).map_err(|_| unreadable())?;
    let width = code.width();
    // The quiet zone that the standard asks for.
    const QUIET: usize = 4;
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (at % width + QUIET, at / width + QUIET);
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    Ok(Shown {
        text: groups(&BASE32_NOPAD.encode(secret)),
        url,
        path,
        side: width + 2 * QUIET,
    })
}

/// New recovery codes as they are shown, once.
///
/// # Errors
/// The system has no random source.
pub fn new_recovery_codes() -> Result<Vec<String>> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let mut bytes = [0; RECOVERY_BYTES];
        getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
        codes.push(groups(&BASE32_NOPAD.encode(&bytes)).replace(' ', "-"));
    }
    Ok(codes)
}

/// What is stored of a recovery code, as it is shown or as somebody types it; `None` for what cannot
/// be one. 80 random bits: no slow hash is needed.
pub fn recovery_hash(code: &str) -> Option<Vec<u8>> {
    let letters: String = code
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let bytes = BASE32_NOPAD.decode(letters.as_bytes()).ok()?;
    (bytes.len() == RECOVERY_BYTES).then(|| Sha256::digest(&bytes).to_vec())
}

fn groups(text: &str) -> String {
    let mut grouped = String::with_capacity(text.len() + text.len() / 4);
    for (at, c) in text.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(c);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, cut to six digits.
        let secret = b"12345678901234567890";
        for (s, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(step_of(secret, code, s * 1_000), Some(s / 30), "{code}");
            let spaced = format!(" {} {} ", &code[..3], &code[3..]);
            // A step early or late is taken, and known by its own number.
            assert_eq!(step_of(secret, &spaced, (s + 30) * 1_000), Some(s / 30));
            assert_eq!(step_of(secret, code, (s + 90) * 1_000), None);
        }
        for code in ["", "28708", "2870820", "28708x", "٢٨٧٠٨٢"] {
            assert_eq!(step_of(secret, code, 59_000), None, "{code}");
        }
        assert_eq!(step_of(b"", "287082", 59_000), None);
        assert_eq!(step_of(secret, "287082", -1), None);
    }

    #[test]
    fn a_secret_is_shown_as_text_url_and_picture() {
        let shown = show(b"12345678901234567890", "ada@example.com").unwrap();
        assert_eq!(shown.text, "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert!(
            shown
                .url
                .starts_with("otpauth://totp/Dayfly:ada%40example.com?")
        );
        assert!(
            shown
                .url
                .contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
        );
        // The corner of a finder pattern, behind the quiet zone.
        assert!(shown.path.starts_with("M4 4h1v1h-1zM5 4h1v1h-1z"));
        assert!(shown.side >= 37, "{}", shown.side);
        assert!(show(b"", "ada@example.com").is_err());
        assert_eq!(new_secret().unwrap().len(), 20);
    }

    #[test]
    fn recovery_codes_are_read_as_people_type_them() {
        let codes = new_recovery_codes().unwrap();
        assert_eq!(codes.len(), RECOVERY_CODES);
        let code = &codes[0];
        assert_eq!(code.len(), 19);
        let hash = recovery_hash(code).unwrap();
        assert_eq!(
            recovery_hash(&code.to_lowercase().replace('-', " ")),
            Some(hash.clone())
        );
        assert_ne!(recovery_hash(&codes[1]), Some(hash));
        for text in [
            "",
            "123456",
            "AAAA-AAAA",
            "1111-1111-1111-1111",
            &"A".repeat(20),
        ] {
            assert_eq!(recovery_hash(text), None, "{text}");
        }
    }
}
