//! The file of a backup: a zstd stream of frames, each its length as four bytes, little-endian, and
//! so many bytes of postcard. First [`Frame::Begin`], last [`Frame::End`], which tells how many rows
//! there were and the SHA-256 of all frames before it: a file that was cut short has no end.

use std::io::{Read, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Version of the format.
pub const VERSION: u32 = 1;
/// Longest frame that is believed.
const FRAME_BYTES_MAX: usize = 512 * 1024 * 1024;
const LEVEL: i32 = 3;

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cell {
    /// None.
    Null,
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A part of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Frame {
    /// The first.
    Begin {
        /// [`VERSION`].
        version: u32,
        /// When it was made, ms since 1970.
        made_ms: i64,
        /// The largest number that was ever given to a site.
        last_site: i64,
    },
    /// Rows of this table follow.
    Table {
        /// Its name.
        name: String,
        /// Its columns.
        columns: Vec<String>,
    },
    /// A row of the table that was named last.
    Row(Vec<Cell>),
    /// The last.
    End {
        /// How many rows there were.
        rows: u64,
        /// Of all frames before, as they stand in the stream.
        sha256: [u8; 32],
    },
}

/// Writes a backup.
pub struct Writer<W: Write> {
    stream: zstd::Encoder<'static, W>,
    sha256: Sha256,
    rows: u64,
}

impl<W: Write> Writer<W> {
    /// Begins.
    ///
    /// # Errors
    /// The stream failed; so for all that follow.
    pub fn new(to: W, made_ms: i64, last_site: i64) -> std::io::Result<Self> {
        let mut writer = Self {
            stream: zstd::Encoder::new(to, LEVEL)?,
            sha256: Sha256::new(),
            rows: 0,
        };
        writer.write(&Frame::Begin {
            version: VERSION,
            made_ms,
            last_site,
        })?;
        Ok(writer)
    }

    /// Writes one frame.
    ///
    /// # Errors
    /// The stream failed.
    pub fn write(&mut self, frame: &Frame) -> std::io::Result<()> {
        self.rows += u64::from(matches!(frame, Frame::Row(_)));
        let bytes = postcard::to_allocvec(frame).map_err(std::io::Error::other)?;
        let length = u32::try_from(bytes.len()).map_err(std::io::Error::other)?;
        for part in [&length.to_le_bytes(), bytes.as_slice()] {
            self.sha256.update(part);
            self.stream.write_all(part)?;
        }
        Ok(())
    }

    /// Ends; gives the number of rows and what was written to.
    ///
    /// # Errors
    /// The stream failed.
    pub fn end(mut self) -> std::io::Result<(u64, W)> {
        let rows = self.rows;
        let sha256 = self.sha256.clone().finalize().into();
        self.write(&Frame::End { rows, sha256 })?;
        Ok((rows, self.stream.finish()?))
    }
}

/// Why a file is no backup.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read, or is not what it should be.
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// The content is wrong.
    #[error("{0}")]
    Content(&'static str),
}

/// Reads a backup, frame by frame.
pub struct Reader<R: Read> {
    stream: zstd::Decoder<'static, std::io::BufReader<R>>,
    sha256: Sha256,
    rows: u64,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Begins; gives when the backup was made and the largest number of a site.
    ///
    /// # Errors
    /// It is no backup, or one of a newer version.
    pub fn new(from: R) -> Result<(Self, i64, i64), ReadError> {
        let mut reader = Self {
            stream: zstd::Decoder::new(from)?,
            sha256: Sha256::new(),
            rows: 0,
            ended: false,
        };
        match reader.frame() {
            Ok(Some(Frame::Begin {
                version: VERSION,
                made_ms,
                last_site,
            })) => Ok((reader, made_ms, last_site)),
            Ok(Some(Frame::Begin { .. })) => {
                Err(ReadError::Content("it is of another version of Dayfly"))
            }
            Ok(_) => Err(ReadError::Content("it is no backup of Dayfly")),
            Err(_) => Err(ReadError::Content("it is no backup of Dayfly")),
        }
    }

    /// The next frame but the first and the last; `None` after the last was read and is right.
    ///
    /// # Errors
    /// The file is cut short or was changed.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, ReadError> {
        if self.ended {
            return Ok(None);
        }
        let before: [u8; 32] = self.sha256.clone().finalize().into();
        match self.frame()? {
            Some(Frame::End { rows, sha256 }) if rows == self.rows && sha256 == before => {
                self.ended = true;
                Ok(None)
            }
            Some(Frame::End { .. }) => Err(ReadError::Content("it was changed after it was made")),
            Some(Frame::Begin { .. }) => Err(ReadError::Content("it begins twice")),
            None => Err(ReadError::Content("it is cut short")),
            frame => {
                self.rows += u64::from(matches!(frame, Some(Frame::Row(_))));
                Ok(frame)
            }
        }
    }

    fn frame(&mut self) -> Result<Option<Frame>, ReadError> {
        let mut length = [0; 4];
        match self.stream.read_exact(&mut length) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let bytes_length = u32::from_le_bytes(length) as usize;
        if bytes_length > FRAME_BYTES_MAX {
            return Err(ReadError::Content("a part of it is too long"));
        }
        // Grows as bytes come: a length that is made up asks for no memory.
        let mut bytes = Vec::new();
        let read = (&mut self.stream)
            .take(bytes_length as u64)
            .read_to_end(&mut bytes)?;
        if read < bytes_length {
            return Err(ReadError::Content("it is cut short"));
        }
        self.sha256.update(length);
        self.sha256.update(&bytes);
        postcard::from_bytes(&bytes)
            .map(Some)
            .map_err(|_| ReadError::Content("a part of it cannot be read"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), 7, 3).unwrap();
        let name = "site".to_owned();
        let columns = vec!["id".to_owned()];
        writer.write(&Frame::Table { name, columns }).unwrap();
        for n in 0..2_000 {
            let text = format!("text {n}");
            let row = vec![
                Cell::Int(n),
                Cell::Text(text),
                Cell::Null,
                Cell::Bytes(vec![1, 2]),
            ];
            writer.write(&Frame::Row(row)).unwrap();
        }
        let (rows, bytes) = writer.end().unwrap();
        assert_eq!(rows, 2_000);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<usize, ReadError> {
        let (mut reader, made_ms, last_site) = Reader::new(bytes)?;
        assert_eq!((made_ms, last_site), (7, 3));
        let mut frames = 0;
        while reader.next_frame()?.is_some() {
            frames += 1;
        }
        Ok(frames)
    }

    #[test]
    fn what_was_written_is_read_and_what_was_changed_is_not() {
        let bytes = written();
        assert_eq!(read(&bytes).unwrap(), 2_001);
        for length in [0, 3, 10, bytes.len() / 2, bytes.len() - 1] {
            assert!(read(&bytes[..length]).is_err(), "{length}");
        }
        for at in (0..bytes.len()).step_by(97) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert!(read(&bytes).is_err(), "{at}");
        }
        assert!(read(b"something else").is_err());
        let plain = zstd::bulk::compress(&[255, 255, 255, 255, 1, 2, 3], 1).unwrap();
        assert!(read(&plain).is_err());
    }
}
