//! Parameters of a request: of its query, and of its body, which is JSON, a form as browsers send
//! it, or `multipart/form-data` as `curl -F` does. The body's win over the query's.
//!
//! A body that begins with `{` is JSON, whatever its type says: `curl -d` calls everything a form.

use axum::http::{HeaderMap, header};
use futures_util::stream;
use serde_json::{Map, Value};

use super::Refusal;

/// Most parameters of one request.
const PARAMS_MAX: usize = 100;

/// See the module.
#[derive(Debug, Default)]
pub struct Params(Map<String, Value>);

/// A refusal that names the field.
pub fn invalid(field: &str, problem: impl std::fmt::Display) -> Refusal {
    Refusal::Invalid(format!("{field}: {problem}"))
}

impl Params {
    /// Reads them.
    ///
    /// # Errors
    /// 400: the body is none of the three, or too many parameters came.
    pub async fn read(
        query: Option<&str>,
        headers: &HeaderMap,
        body: Vec<u8>,
    ) -> Result<Self, Refusal> {
        let mut params = Self::default();
        params.take_form(query.unwrap_or_default().as_bytes())?;
        params.take_body(headers, body).await?;
        Ok(params)
    }

    async fn take_body(&mut self, headers: &HeaderMap, body: Vec<u8>) -> Result<(), Refusal> {
        let Some(first) = body.iter().find(|byte| !byte.is_ascii_whitespace()) else {
            return Ok(());
        };
        let kind = headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let name = kind.split(';').next().unwrap_or_default().trim();
        if *first == b'{' || name.eq_ignore_ascii_case("application/json") {
            let object: Map<String, Value> = serde_json::from_slice(&body).map_err(|error| {
                Refusal::Invalid(format!("the body is not a JSON object: {error}"))
            })?;
            for (name, value) in object {
                self.insert(name, value)?;
            }
            return Ok(());
        }
        match name.to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" | "" => self.take_form(&body),
            "multipart/form-data" => self.take_multipart(kind, body).await,
            _ => Err(invalid(
                "content-type",
                "a body is application/json, application/x-www-form-urlencoded or multipart/form-data",
            )),
        }
    }

    fn take_form(&mut self, text: &[u8]) -> Result<(), Refusal> {
        for (name, value) in form_urlencoded::parse(text) {
            self.insert(name.into_owned(), Value::String(value.into_owned()))?;
        }
        Ok(())
    }

    async fn take_multipart(&mut self, kind: &str, body: Vec<u8>) -> Result<(), Refusal> {
        let broken = |error: multer::Error| {
            Refusal::Invalid(format!("the body is not such a form: {error}"))
        };
        let boundary = multer::parse_boundary(kind).map_err(broken)?;
        let body = stream::iter([Ok::<_, std::convert::Infallible>(body)]);
        let mut form = multer::Multipart::new(body, boundary);
        while let Some(field) = form.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.map_err(broken)?;
            let text = String::from_utf8(bytes.into())
                .map_err(|_| Refusal::Invalid("the body is not UTF-8".into()))?;
            self.insert(name, Value::String(text))?;
        }
        Ok(())
    }

    fn insert(&mut self, name: String, value: Value) -> Result<(), Refusal> {
        if self.0.len() >= PARAMS_MAX {
            return Err(Refusal::Invalid("there are too many parameters".into()));
        }
        self.0.insert(name, value);
        Ok(())
    }

    /// Refuses what a route does not know: nothing is left out in silence.
    ///
    /// # Errors
    /// 400: the first one that is not `allowed`.
    pub fn only(&self, allowed: &[&str]) -> Result<(), Refusal> {
        let unknown = self.0.keys().find(|name| !allowed.contains(&name.as_str()));
        match unknown {
            None => Ok(()),
            Some(name) => {
                let name: String = name.chars().take(100).collect();
                Err(invalid(&name, "unknown parameter"))
            }
        }
    }

    /// A value, if it was given.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    /// A text, if it was given.
    ///
    /// # Errors
    /// 400: it is no text.
    pub fn text(&self, field: &str) -> Result<Option<&str>, Refusal> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(field, "must be a string")),
        }
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// 400: it is missing, blank or no text.
    pub fn required(&self, field: &str) -> Result<&str, Refusal> {
        self.text(field)?
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(|| invalid(field, "is required"))
    }

    /// A whole number, if it was given; in digits where it is text.
    ///
    /// # Errors
    /// 400: it is none of the range.
    pub fn number(
        &self,
        field: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<Option<u32>, Refusal> {
        let Some(value) = self.get(field) else {
            return Ok(None);
        };
        whole(value)
            .filter(|n| range.contains(n))
            .map(Some)
            .ok_or_else(|| {
                let (from, to) = (range.start(), range.end());
                invalid(field, format!("must be a whole number from {from} to {to}"))
            })
    }

    /// One of several words, if it was given.
    ///
    /// # Errors
    /// 400: it is none of them.
    pub fn word<T: Copy>(&self, field: &str, words: &[(&str, T)]) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(field)? else {
            return Ok(None);
        };
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| Some(*value)).ok_or_else(|| {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            invalid(field, format!("must be one of {}", all.join(", ")))
        })
    }

    /// Yes or no, if it was given: `true`, `false`.
    ///
    /// # Errors
    /// 400: it is neither.
    pub fn flag(&self, field: &str) -> Result<Option<bool>, Refusal> {
        match self.get(field) {
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(_)) => self.word(field, &[("true", true), ("false", false)]),
            None => Ok(None),
            Some(_) => Err(invalid(field, "must be true or false")),
        }
    }
}

/// A whole number as JSON or as text.
pub fn whole(value: &Value) -> Option<u32> {
    match value {
        Value::Number(n) => n.as_u64().and_then(|n| u32::try_from(n).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(query: &str, kind: &str, body: &str) -> Result<Params, String> {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        }
        let read = Params::read(Some(query), &headers, body.into()).await;
        read.map_err(|refusal| match refusal {
            Refusal::Invalid(text) => text,
            other => panic!("{other:?}"),
        })
    }

    #[tokio::test]
    async fn the_same_comes_in_each_form() {
        let form = "application/x-www-form-urlencoded";
        let parts = "--b\r\nContent-Disposition: form-data; name=\"site_id\"\r\n\r\na.example\r\n\
                     --b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nÜ + 1\r\n--b--\r\n";
        for (query, kind, body) in [
            ("site_id=a.example&name=%C3%9C+%2B+1", "", ""),
            ("", form, "site_id=a.example&name=%C3%9C+%2B+1"),
            ("site_id=a.example", "", "name=%C3%9C+%2B+1"),
            (
                "",
                "application/json",
                "{\"site_id\":\"a.example\",\"name\":\"Ü + 1\"}",
            ),
            ("", form, " {\"site_id\":\"a.example\",\"name\":\"Ü + 1\"}"),
            ("name=other", "multipart/form-data; boundary=b", parts),
        ] {
            let params = read(query, kind, body).await.unwrap();
            assert_eq!(params.required("site_id").unwrap(), "a.example");
            let name = params.required("name").unwrap();
            assert!(name == "Ü + 1", "{name} of {kind}");
            assert!(params.only(&["site_id", "name"]).is_ok());
            assert!(params.only(&["site_id"]).is_err());
        }
    }

    #[tokio::test]
    async fn what_is_no_form_is_refused() {
        let many: String = (0..101).map(|n| format!("{n}=&")).collect();
        for (query, kind, body, error) in [
            (
                "",
                "application/json",
                "[]",
                "the body is not a JSON object: ",
            ),
            ("", "", "{", "the body is not a JSON object: "),
            ("", "text/xml", "<a/>", "content-type: "),
            (
                "",
                "multipart/form-data",
                "x",
                "the body is not such a form: ",
            ),
            (
                "",
                "multipart/form-data; boundary=b",
                "x",
                "the body is not such a form: ",
            ),
            (many.as_str(), "", "", "there are too many parameters"),
        ] {
            let refused = read(query, kind, body).await.unwrap_err();
            assert!(refused.starts_with(error), "{refused}");
        }
    }

    #[tokio::test]
    async fn values_are_what_their_field_wants() {
        let json =
            r#"{"n": 7, "digits": "8", "yes": true, "no": "false", "none": null, "list": []}"#;
        let params = read("", "application/json", json).await.unwrap();
        assert_eq!(params.number("n", 1..=7).unwrap(), Some(7));
        assert_eq!(params.number("digits", 1..=9).unwrap(), Some(8));
        assert!(params.number("n", 1..=6).is_err() && params.number("yes", 0..=1).is_err());
        assert_eq!(params.flag("yes").unwrap(), Some(true));
        assert_eq!(params.flag("no").unwrap(), Some(false));
        assert!(params.flag("n").is_err() && params.flag("digits").is_err());
        assert_eq!(params.text("none").unwrap(), None);
        assert!(params.text("list").is_err() && params.required("none").is_err());
        assert_eq!(params.word("digits", &[("8", 'x')]).unwrap(), Some('x'));
    }
}
