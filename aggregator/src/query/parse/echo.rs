//! A [`Query`] back to JSON, as it was understood.

use serde_json::{Map, Value, json};

use super::super::filter::Filter;
use super::super::{OrderKey, Query};
use crate::site::Site;

impl Filter {
    /// As the API reads it.
    pub fn to_json(&self) -> Value {
        let all = |all: &[Filter]| all.iter().map(Filter::to_json).collect::<Vec<_>>();
        match self {
            Filter::And(list) => json!(["and", all(list)]),
            Filter::Or(list) => json!(["or", all(list)]),
            Filter::Not(one) => json!(["not", one.to_json()]),
            Filter::Leaf(leaf) => {
                let mut filter = json!([
                    leaf.op.name(leaf.negated),
                    leaf.dimension.name(),
                    leaf.clauses
                ]);
                if let (false, Some(filter)) = (leaf.case_sensitive, filter.as_array_mut()) {
                    filter.push(json!({ "case_sensitive": false }));
                }
                filter
            }
        }
    }
}

impl Query {
    /// The query as it was understood; asked again it gives the same.
    pub fn to_json(&self, site: &Site) -> Value {
        let metrics: Vec<&str> = self.metrics.iter().map(|metric| metric.name()).collect();
        let dimensions: Vec<String> = self.dimensions.iter().map(|d| d.name().into()).collect();
        let order = self.order.iter().map(|(key, descending)| {
            let name = match key {
                OrderKey::Metric(place) => metrics[*place].to_owned(),
                OrderKey::Dimension(place) => dimensions[*place].clone(),
            };
            json!([name, if *descending { "desc" } else { "asc" }])
        });
        let order: Vec<Value> = order.collect();
        let filters = match &self.filter {
            Filter::And(all) => all.iter().map(Filter::to_json).collect(),
            other => vec![other.to_json()],
        };
        let mut include = Map::new();
        for (key, is) in [
            ("time_labels", self.include.time_labels),
            ("total_rows", self.include.total_rows),
            ("plan", self.include.plan),
        ] {
            if is {
                include.insert(key.to_owned(), json!(true));
            }
        }
        if let Some(range) = &self.compare {
            let comparison = json!({ "mode": "custom", "date_range": range.to_json(site) });
            include.insert("comparisons".to_owned(), comparison);
        }
        json!({
            "site_id": site.domain,
            "metrics": metrics,
            "date_range": self.range.to_json(site),
            "dimensions": dimensions,
            "filters": filters,
            "order_by": order,
            "include": include,
            "pagination": { "limit": self.limit, "offset": self.offset },
        })
    }
}
