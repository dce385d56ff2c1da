//! Reading a request's body: never more than it may have, never longer than it may take.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use futures_util::StreamExt;

use super::Refusal;

/// Largest body of a request to the API, bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is taken of a body that is too large, and how long, before it is refused: whoever is in the
/// midst of sending would else see a broken connection in the place of the answer.
const SWALLOWED_BYTES_MAX: usize = 1024 * 1024;
/// See [`SWALLOWED_BYTES_MAX`].
const SWALLOWING: Duration = Duration::from_millis(300);

/// The body, of at most [`BODY_BYTES_MAX`], within 10 seconds.
///
/// # Errors
/// 413: it is larger, or says so. 408: it did not come in time. 400: it broke off.
pub async fn read(body: Body) -> Result<Vec<u8>, Refusal> {
    read_within(body, PATIENCE).await
}

async fn read_within(body: Body, patience: Duration) -> Result<Vec<u8>, Refusal> {
    let told_bytes = body.size_hint().lower();
    let mut chunks = body.into_data_stream();
    let reading = async {
        let mut bytes = Vec::new();
        if told_bytes > BODY_BYTES_MAX as u64 {
            return Err(Refusal::TooLarge);
        }
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Refusal::Invalid("the body broke off".into()))?;
            if bytes.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(Refusal::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    let read = tokio::time::timeout(patience, reading).await;
    let read = read.unwrap_or(Err(Refusal::TooSlow));
    if matches!(read, Err(Refusal::TooLarge)) {
        let swallowing = async {
            let mut left = SWALLOWED_BYTES_MAX;
            while let Some(Ok(chunk)) = chunks.next().await {
                match left.checked_sub(chunk.len()) {
                    Some(less) => left = less,
                    None => break,
                }
            }
        };
        // However far it came: the answer is the same.
        let _ = tokio::time::timeout(SWALLOWING, swallowing).await;
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;
    use futures_util::stream;

    fn of_chunks(chunks: usize, bytes: usize) -> Body {
        let chunk = move |_| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; bytes]));
        Body::from_stream(stream::iter(0..chunks).map(chunk))
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_bound() {
        let whole = read(Body::from(vec![b'x'; BODY_BYTES_MAX])).await;
        assert_eq!(whole.unwrap().len(), BODY_BYTES_MAX);
        assert_eq!(read(of_chunks(64, 1024)).await.unwrap().len(), 64 * 1024);
        assert!(read(Body::empty()).await.unwrap().is_empty());
        for large in [
            Body::from(vec![b'x'; BODY_BYTES_MAX + 1]),
            of_chunks(65, 1024),
            // Without an end: it is not waited for.
            of_chunks(usize::MAX, 1024),
        ] {
            assert!(matches!(read(large).await, Err(Refusal::TooLarge)));
        }
    }

    #[tokio::test]
    async fn what_does_not_come_is_not_waited_for() {
        let begin = stream::iter([Ok::<_, std::io::Error>(Bytes::from("{"))]);
        let slow = Body::from_stream(begin.chain(stream::pending()));
        let read = read_within(slow, Duration::from_millis(50)).await;
        assert!(matches!(read, Err(Refusal::TooSlow)));
        let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("gone"))]);
        let read = super::read(Body::from_stream(broken)).await;
        assert!(matches!(read, Err(Refusal::Invalid(_))));
    }
}
