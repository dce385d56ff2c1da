//! `dayfly geo build` and `dayfly geo lookup`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use shared::address::ClientAddress;
use shared::country;
use shared::geo::Table;

use super::{Format, Gathered};
use crate::error::{Error, Result};

/// See the module.
#[derive(Debug, Subcommand)]
pub enum GeoCommand {
    /// Make a table for the edge out of files of countries.
    Build {
        /// A file: mmdb, CSV, or IPFire's text such as Debian's tor-geoipdb has it; once for each.
        #[arg(long = "from", required = true)]
        from: Vec<PathBuf>,
        /// Where the table goes. What is there is replaced once the new one is complete.
        #[arg(long)]
        out: PathBuf,
        /// What kind of files they are; else told from their content.
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// Whom the data is from and under which licence, shown in the dashboard; else what the
        /// files say. A CSV says nothing.
        #[arg(long)]
        attribution: Option<String>,
    },
    /// Print the country of an address, or "unknown".
    Lookup {
        /// The table; without one the built-in default is asked.
        #[arg(long, env = "DAYFLY_GEO_TABLE")]
        table: Option<PathBuf>,
        /// An address; it is cut to /24 or /48 first, as the edge does.
        address: String,
    },
}

impl GeoCommand {
    /// Does it and prints what was done.
    ///
    /// # Errors
    /// A file cannot be read, understood or written.
    pub fn run(self) -> Result<()> {
        let told = match self {
            Self::Build {
                from,
                out,
                format,
                attribution,
            } => build(&from, &out, format, attribution.as_deref())?,
            Self::Lookup { table, address } => lookup(table.as_deref(), &address)?,
        };
        println!("{told}");
        Ok(())
    }
}

/// Builds a table; gives what to tell.
pub(super) fn build(
    from: &[PathBuf],
    out: &Path,
    format: Option<Format>,
    attribution: Option<&str>,
) -> Result<String> {
    let mut gathered = Gathered::default();
    for path in from {
        gathered.read(path, format)?;
    }
    let of = |path: &Path, problem: String| Error::Geo {
        path: path.to_owned(),
        problem,
    };
    // The problem is with the files together; the first stands for them.
    let source = from.first().map_or(out, PathBuf::as_path);
    let built = gathered
        .finish(attribution)
        .map_err(|problem| of(source, problem))?;
    let table = Table::open(&built.bytes).map_err(|error| of(out, error.to_string()))?;
    replace(out, &built.bytes).map_err(|error| of(out, error.to_string()))?;
    let mut told = format!(
        "wrote {}: {} bytes, {} countries, from {} ranges\ndata of {} by {}",
        out.display(),
        built.bytes.len(),
        table.countries(),
        built.ranges,
        table.built_on(),
        table.attribution(),
    );
    if !built.strange.is_empty() {
        let codes = built.strange.iter();
        let codes: Vec<String> = codes.map(|(code, n)| format!("{code} ({n})")).collect();
        told += &format!("\nno countries, taken as unknown: {}", codes.join(", "));
    }
    Ok(told)
}

/// Writes a file so that whoever opens it finds the old or the new one, whole.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default();
    let mut new_name = OsString::from(".");
    new_name.push(name);
    new_name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(new_name);
    let written = File::create(&new)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&new);
    }
    written
}

/// Looks an address up; gives what to tell.
pub(super) fn lookup(table: Option<&Path>, address: &str) -> Result<String> {
    let address = ClientAddress::parse(address)
        .ok_or_else(|| Error::Invalid("that is no IP address".into()))?;
    let table = table.map(super::open).transpose()?;
    let country = country::of_address(address, table.as_ref());
    Ok(match country {
        "" => "unknown".to_owned(),
        code => code.to_owned(),
    })
}
