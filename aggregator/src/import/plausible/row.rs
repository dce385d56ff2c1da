//! A row of a table to rows of rollups.

use std::borrow::Cow;

use csv::StringRecord;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use shared::attribution::Attribution;
use shared::channel::Channel;
use shared::cube::Counters;
use shared::limits::{BATCH_STRING_BYTES_MAX, OTHER};
use shared::rollup::Dim;
use shared::source;

use super::table::{Table, counters, is_count};

/// Largest count of a row that is believed.
const COUNT_MAX: u64 = 1_000_000_000_000;

/// A column, and what is wrong with it.
type Wrong = (&'static str, &'static str);
/// A rollup and the key of a row of it.
type RowOf<'r> = (Dim, Vec<Cow<'r, str>>);

/// A row of a rollup, as it is sorted.
#[derive(Debug, Serialize, Deserialize)]
pub struct Count<'a> {
    /// The rollup.
    pub dim: Dim,
    /// Its key.
    #[serde(borrow)]
    pub texts: Vec<Cow<'a, str>>,
    /// Its counts.
    pub counters: Counters,
}

/// Where a file has its columns.
pub struct Columns {
    table: Table,
    date: usize,
    /// Column, place.
    counts: Vec<(&'static str, usize)>,
    texts: Vec<(&'static str, usize)>,
    /// Columns that are not known, by their names.
    pub ignored: Vec<String>,
}

impl Columns {
    /// Reads a header.
    ///
    /// # Errors
    /// The column that is missing.
    pub fn of(table: Table, header: &StringRecord) -> Result<Self, &'static str> {
        let place = |column: &str| header.iter().position(|name| is_same(name, column));
        let date = place("date").ok_or("date")?;
        for column in table.required() {
            place(column).ok_or(*column)?;
        }
        let found = table
            .columns()
            .iter()
            .filter_map(|column| Some((*column, place(column)?)));
        let (counts, texts) = found.partition(|(column, _)| is_count(column));
        let is_known = |name: &str| {
            is_same(name, "date") || table.columns().iter().any(|column| is_same(name, column))
        };
        let ignored = header.iter().filter(|name| !is_known(name));
        let ignored = ignored.take(20).map(|name| name.chars().take(60).collect());
        Ok(Self {
            table,
            date,
            counts,
            texts,
            ignored: ignored.collect(),
        })
    }

    /// The date of a row and what it counts.
    ///
    /// # Errors
    /// The column that is wrong, and how.
    pub fn read<'r>(&self, row: &'r StringRecord) -> Result<(Date, Vec<Count<'r>>), Wrong> {
        let date = row.get(self.date).unwrap_or_default().trim();
        let date: Date = date
            .parse()
            .map_err(|_| ("date", "is not a date such as 2026-11-23"))?;
        let mut numbers = Vec::with_capacity(self.counts.len());
        for (column, place) in &self.counts {
            let cell = row.get(*place).unwrap_or_default().trim();
            let n = match cell {
                "" => 0,
                cell => cell
                    .parse::<u64>()
                    .ok()
                    .filter(|n| *n <= COUNT_MAX)
                    .ok_or((*column, "is not a whole number up to 1,000,000,000,000"))?,
            };
            numbers.push((*column, n));
        }
        let counts = self.keys(row)?.into_iter().filter_map(|(dim, texts)| {
            let of_column = |(column, n): &(&'static str, u64)| {
                let n = *n;
                counters(dim, column)
                    .into_iter()
                    .map(move |(counter, of)| (counter, n * of))
            };
            let counters: Counters = numbers
                .iter()
                .flat_map(of_column)
                .filter(|(_, n)| *n > 0)
                .collect();
            (!counters.is_empty()).then_some(Count {
                dim,
                texts,
                counters,
            })
        });
        Ok((date, counts.collect()))
    }

    fn text<'r>(&self, row: &'r StringRecord, column: &str) -> Cow<'r, str> {
        let place = self.texts.iter().find(|(known, _)| *known == column);
        let text = place
            .and_then(|(_, place)| row.get(*place))
            .unwrap_or_default();
        match text {
            text if text.len() > BATCH_STRING_BYTES_MAX => Cow::Borrowed(OTHER),
            text if text.contains(char::is_control) => {
                Cow::Owned(text.replace(char::is_control, " "))
            }
            text => Cow::Borrowed(text),
        }
    }

    /// The rollups a row belongs to, and its keys there.
    fn keys<'r>(&self, row: &'r StringRecord) -> Result<Vec<RowOf<'r>>, Wrong> {
        let text = |column| self.text(row, column);
        let one = |dim, column| vec![(dim, vec![text(column)])];
        Ok(match self.table {
            Table::Visitors => vec![(Dim::Total, Vec::new())],
            Table::Sources => self.sources(row),
            Table::Pages => one(Dim::Page, "page"),
            Table::EntryPages => one(Dim::EntryPage, "entry_page"),
            Table::ExitPages => one(Dim::ExitPage, "exit_page"),
            Table::CustomEvents => {
                let name = text("name");
                let mut keys = vec![(Dim::Event, vec![name.clone()])];
                for (key, column) in [("url", "link_url"), ("path", "path")] {
                    let value = text(column);
                    if !value.is_empty() {
                        keys.push((Dim::Prop, vec![name.clone(), Cow::Borrowed(key), value]));
                    }
                }
                keys
            }
            Table::Locations => {
                let code = text("country");
                if !code.is_empty() && (code.len() != 2 || !code.is_ascii()) {
                    return Err(("country", "is not a code of two letters"));
                }
                let known = shared::country::of_platform(&code);
                vec![(Dim::Country, vec![Cow::Owned(known)])]
            }
            Table::Devices => one(Dim::Device, "device"),
            Table::Browsers => {
                let (name, version) = (text("browser"), text("browser_version"));
                vec![
                    (Dim::Browser, vec![name.clone()]),
                    (Dim::BrowserVersion, vec![name, version]),
                ]
            }
            Table::OperatingSystems => {
                let name = text("operating_system");
                let version = text("operating_system_version");
                vec![
                    (Dim::Os, vec![name.clone()]),
                    (Dim::OsVersion, vec![name, version]),
                ]
            }
        })
    }

    fn sources<'r>(&self, row: &'r StringRecord) -> Vec<RowOf<'r>> {
        let text = |column| self.text(row, column);
        let given = |column| Some(text(column).into_owned()).filter(|text| !text.is_empty());
        let name = match text("source") {
            name if name == "Direct / None" => Cow::Borrowed(""),
            name => name,
        };
        let attribution = Attribution {
            source: given("utm_source"),
            medium: given("utm_medium"),
            campaign: given("utm_campaign"),
            content: given("utm_content"),
            term: given("utm_term"),
            click_id: None,
        };
        let known = source::of(Some(&name), None);
        let channel = Channel::of(known.as_ref(), &attribution).as_str();
        let utm = [
            (Dim::UtmSource, "utm_source"),
            (Dim::UtmMedium, "utm_medium"),
            (Dim::UtmCampaign, "utm_campaign"),
            (Dim::UtmContent, "utm_content"),
            (Dim::UtmTerm, "utm_term"),
        ];
        let utm = utm.map(|(dim, column)| (dim, vec![text(column)]));
        let mut keys = vec![
            (Dim::Channel, vec![Cow::Borrowed(channel)]),
            (Dim::Referrer, vec![text("referrer")]),
            (Dim::Source, vec![name]),
        ];
        keys.extend(utm);
        keys
    }
}

fn is_same(name: &str, column: &str) -> bool {
    name.trim()
        .trim_start_matches('\u{feff}')
        .eq_ignore_ascii_case(column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use shared::cube::Counter;

    fn record(cells: &[&str]) -> StringRecord {
        StringRecord::from(cells.to_vec())
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let header = record(&["visitors", "city", "Country", "date", "visits", "mood"]);
        let columns = Columns::of(Table::Locations, &header).unwrap();
        assert_eq!(columns.ignored, ["mood"]);
        let row = record(&["3", "Berlin", "de", "2026-01-02", "4", "good"]);
        let (date, counts) = columns.read(&row).unwrap();
        assert_eq!((date.to_string().as_str(), counts.len()), ("2026-01-02", 1));
        assert_eq!(counts[0].texts, ["DE"]);
        let wanted = [
            (Counter::DayVisitors, 3),
            (Counter::Visits, 4),
            (Counter::EndedVisits, 4),
        ];
        let mut found = counts[0].counters.to_vec();
        found.sort();
        let mut wanted = wanted.to_vec();
        wanted.sort();
        assert_eq!(found, wanted);
        for (cells, column) in [
            (["x", "", "de", "2026-01-02", "4", ""], "visitors"),
            (["-1", "", "de", "2026-01-02", "4", ""], "visitors"),
            (["1", "", "de", "2.1.2026", "4", ""], "date"),
            (["1", "", "Germany", "2026-01-02", "4", ""], "country"),
            (["1", "", "de", "2026-01-02", "1000000000001", ""], "visits"),
        ] {
            assert_eq!(columns.read(&record(&cells)).unwrap_err().0, column);
        }
        assert_eq!(
            Columns::of(Table::Locations, &record(&["date", "visitors"])).err(),
            Some("country")
        );
        assert_eq!(
            Columns::of(Table::Visitors, &record(&["visitors"])).err(),
            Some("date")
        );
    }

    #[test]
    fn a_row_of_sources_is_one_of_eight_rollups() {
        let header = record(&["date", "source", "utm_medium", "visitors"]);
        let columns = Columns::of(Table::Sources, &header).unwrap();
        let row = record(&["2026-01-02", "Google", "cpc", "2"]);
        let (_, counts) = columns.read(&row).unwrap();
        assert_eq!(counts.len(), 8);
        let channel = counts
            .iter()
            .find(|count| count.dim == Dim::Channel)
            .unwrap();
        assert_eq!(channel.texts, ["Paid Search"]);
        assert_eq!(
            channel.counters.to_vec(),
            [(Counter::DayChannelVisitors, 2)]
        );
    }

    proptest! {
        #[test]
        fn whatever_stands_in_cells_is_read_or_refused(
            cells in prop::collection::vec(any::<String>(), 0..6),
            table in prop::sample::select(super::super::table::TABLES.to_vec()),
        ) {
            let header = [&["date"], table.2].concat();
            let columns = Columns::of(table.0, &record(&header)).unwrap();
            let mut cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            cells.insert(0, "2026-01-02");
            let _ = columns.read(&record(&cells));
        }
    }
}
