//! Every row of the cubes: date, hour of the local day, texts, attributes of visit and client,
//! counters. What came as rollups alone is not in them.

use shared::attrs::{CLIENT_ATTRS, VISIT_ATTRS};
use shared::cube::{COUNTERS, CUBES};

use super::Tables;
use crate::error::Result;
use crate::segment::PartId;
use crate::segment::rows::{Row, text_names};
use crate::store::Snapshot;

pub(super) async fn write(snapshot: &mut Snapshot, tables: &mut Tables<'_>) -> Result<()> {
    for cube in CUBES {
        let counters: Vec<_> = COUNTERS.iter().filter(|(_, of, _)| *of == cube).collect();
        let mut header = vec!["date", "hour"];
        header.extend(text_names(cube));
        header.extend(VISIT_ATTRS.iter().map(|(name, _)| *name));
        header.extend(CLIENT_ATTRS.iter().map(|(name, _)| *name));
        header.extend(counters.iter().map(|(_, _, name)| *name));
        tables.begin("cubes", cube.name(), &header)?;
        let kinds = [PartId::Cube(cube), PartId::VisitAttrs, PartId::ClientAttrs];
        for date in tables.days() {
            let segment = snapshot.some(&kinds, date, date).await?;
            let mut told: Vec<Row> = segment.told(PartId::Cube(cube)).collect();
            told.sort();
            let rows: Vec<Vec<String>> = told
                .into_iter()
                .map(|row| {
                    let mut cells = vec![date.to_string(), row.hour.to_string()];
                    let texts = row.texts.iter().chain(&row.visit).chain(&row.client);
                    cells.extend(texts.map(ToString::to_string));
                    cells.extend(counters.iter().map(|(counter, ..)| {
                        let found = row.counters.iter().find(|(known, _)| known == counter);
                        found.map_or(0, |(_, n)| *n).to_string()
                    }));
                    cells
                })
                .collect();
            tables.add(&rows)?;
        }
    }
    Ok(())
}
