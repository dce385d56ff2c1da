//! The panel of properties: each key that events of the range carried is a list of its values. A site
//! may name the keys that are shown; nothing is told of the others.

use super::asked::Asked;
use super::panels::{Of, PanelKind, Tab, known};
use crate::error::{Error, Result};
use crate::query::{Metric, props};
use crate::serve::App;
use crate::store::Snapshot;

/// The panel's value in the URL.
pub const PANEL: &str = "properties";
/// The list of values of the property that is chosen in the panel.
pub const LIST: &str = "property";
/// Most keys that are offered, those of most events: anybody may send events with any.
const KEYS_MAX: usize = 100;

/// The keys that are offered, those of most events first. None under a threshold: their values are
/// not folded.
pub(super) async fn keys(app: &App, asked: &Asked, snapshot: &mut Snapshot) -> Result<Vec<String>> {
    if asked.viewer.threshold.is_some() {
        return Ok(Vec::new());
    }
    let mut keys = match props::keys(snapshot, &asked.site, &asked.range).await {
        Ok(keys) => keys,
        // More than can be told apart.
        Err(Error::Refused(_)) => Vec::new(),
        Err(other) => return Err(other),
    };
    if !keys.is_empty() {
        let shown = app.store.props(asked.site.id).await?;
        keys.retain(|key| is_shown(key, &shown));
        keys.truncate(KEYS_MAX);
    }
    Ok(keys)
}

/// Whether a key is shown where these are named; without any, all are.
pub(super) fn is_shown(key: &str, named: &[String]) -> bool {
    named.is_empty() || named.iter().any(|name| name == key)
}

/// The list of a property's values.
pub(super) const fn tab(key: &str) -> Tab<'_> {
    Tab {
        key,
        name: key,
        column: key,
        of: Of::Property(key),
        beside: &[Metric::Events, Metric::Percentage],
        label: known,
        is_map: false,
    }
}

/// The panel of these lists.
pub(super) const fn kind<'a>(tabs: &'a [Tab<'a>]) -> PanelKind<'a> {
    PanelKind {
        key: PANEL,
        title: "Properties",
        tabs,
    }
}
