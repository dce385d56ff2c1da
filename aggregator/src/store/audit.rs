//! What can be checked of the database: that no batch is missing, that every count can be read and
//! agrees with its sums, and that there is no place for anything about a visitor.

use std::collections::{BTreeMap, BTreeSet};

use shared::cube::{Counter, Cube};
use shared::rollup::Dim;
use shared::visitor::SiteId;

use super::db::{Engine, sql};
use super::{Store, tables};
use crate::clock::date_of;
use crate::error::Result;
use crate::segment::part::{Part, PartReader};
use crate::segment::{PartId, counter_column};

/// A source as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSource {
    /// Local date.
    pub date: jiff::civil::Date,
    /// Which of the day's shards.
    pub shard: u16,
    /// 32 hex digits.
    pub incarnation: String,
    /// Number of the last batch that was applied.
    pub last_seq: u64,
    /// Hits that were accepted when that batch was sealed.
    pub hits_total: u64,
    /// Those of them that are in dead letters at the edge, and so not counted here.
    pub set_aside: u64,
    /// Whether no batch follows.
    pub closed: bool,
    /// How many markers of batches there are.
    pub markers: u64,
}

/// What the counts of a site are like.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Soundness {
    /// Parts that were read.
    pub parts: u64,
    /// Strings in them.
    pub strings: u64,
    /// Page views of all days.
    pub views: u64,
    /// What is wrong, in words; bounded.
    pub problems: Vec<String>,
}

/// Problems that are told of one site.
const PROBLEMS_MAX: usize = 20;

impl Soundness {
    fn problem(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }
}

impl Store {
    /// The sources of a site, by date and shard.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sources(&self, site: SiteId) -> Result<Vec<KnownSource>> {
        let rows = self
            .db
            .all(
                sql(
                    "SELECT date, shard, incarnation, last_seq, hits_total, closed, set_aside,
                            (SELECT count(*) FROM batch AS b
                             WHERE b.site_id = s.site_id AND b.source_id = s.id)
                     FROM source AS s WHERE site_id = $1 ORDER BY date, shard, id",
                )
                .bind(site),
            )
            .await?;
        let read = |row: &super::db::Row| {
            Ok(KnownSource {
                date: date_of(row.int(0)?).unwrap_or_default(),
                shard: row.number(1)?,
                incarnation: hex::encode(row.bytes(2)?),
                last_seq: row.count(3)?,
                hits_total: row.count(4)?,
                closed: row.int(5)? != 0,
                set_aside: row.count(6)?,
                markers: row.count(7)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Reads every count of a site.
    ///
    /// # Errors
    /// The database failed. What cannot be read is no error but a problem that is told.
    pub async fn soundness(&self, site: SiteId) -> Result<Soundness> {
        let mut found = Soundness::default();
        let mut cubes: BTreeMap<i64, u64> = BTreeMap::new();
        let mut rollups: BTreeMap<i64, u64> = BTreeMap::new();
        let kinds: Vec<PartId> = PartId::all().collect();
        let mut snapshot = self.snapshot(site).await?;
        let (from, to) = (jiff::civil::Date::MIN, jiff::civil::Date::MAX);
        snapshot
            .parts(&kinds, from, to, |date, no, id, bytes| {
                found.parts += 1;
                let day = date_of(date).unwrap_or_default();
                let part = match Part::decode(bytes, id.by_difference()) {
                    Ok(part) => part,
                    Err(error) => {
                        found.problem(format!("{day}, segment {no}, {id:?}: {error}"));
                        return Ok(());
                    }
                };
                found.strings += part.strings.len() as u64;
                for text in part.strings.iter().filter(|text| is_an_agent(text)) {
                    let start: String = text.chars().take(20).collect();
                    found.problem(format!("{day}, {id:?}: looks like a User-Agent: {start}…"));
                }
                let sums = match id {
                    PartId::Cube(Cube::Pages) => &mut cubes,
                    PartId::Rollup(Dim::Total) => &mut rollups,
                    _ => return Ok(()),
                };
                let reader = PartReader::new(bytes)?;
                let views = reader.column(counter_column(Counter::Views), false)?;
                *sums.entry(date).or_default() += views.iter().sum::<u64>();
                Ok(())
            })
            .await?;
        found.views = rollups.values().sum();
        for (date, views) in cubes {
            // More in the rollups is what came by one dimension each.
            let total = rollups.get(&date).copied().unwrap_or(0);
            if views > total {
                let day = date_of(date).unwrap_or_default();
                found.problem(format!(
                    "{day}: {views} page views by page, but {total} in total"
                ));
            }
        }
        Ok(found)
    }

    /// How many tables and columns there are, and those that no version of this schema has: what
    /// somebody has added could hold anything.
    ///
    /// # Errors
    /// The database failed.
    pub async fn schema(&self) -> Result<(u64, u64, Vec<String>)> {
        let text = match self.engine() {
            Engine::Sqlite => {
                "SELECT m.name, c.name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c
                 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            }
            Engine::Postgres => {
                "SELECT CAST(c.relname AS TEXT), CAST(a.attname AS TEXT) FROM pg_class AS c
                 JOIN pg_attribute AS a ON a.attrelid = c.oid
                 JOIN pg_namespace AS n ON n.oid = c.relnamespace
                 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
                    AND NOT a.attisdropped AND n.nspname = current_schema()"
            }
        };
        let rows = self.db.all(sql(text)).await?;
        let mut tables = BTreeSet::new();
        let mut unknown = Vec::new();
        for row in &rows {
            let (table, column) = (row.text(0)?, row.text(1)?);
            if !tables::is_known(&table, &column) {
                unknown.push(format!("{table}.{column}"));
            }
            tables.insert(table);
        }
        unknown.sort();
        Ok((tables.len() as u64, rows.len() as u64, unknown))
    }
}

/// How nearly every browser names itself.
fn is_an_agent(text: &str) -> bool {
    text.starts_with("Mozilla/")
}
