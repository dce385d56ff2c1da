//! `dayfly query`: what was counted, asked of the database here or of a running server.
//!
//! The question is one of the second stats API (`api/v2.rs`) either way, so both answer the same.

mod ask;
mod table;

use aggregator::api::v1::filters;
use aggregator::data::DataFolder;
use aggregator::error::{Error, Result};
use clap::Args;
use serde_json::{Map, Value, json};

/// See the module.
#[derive(Args)]
pub struct QueryCommand {
    /// The site.
    #[arg(long)]
    site: String,
    /// What is counted, with commas: visitors, visits, pageviews, bounce_rate, …
    #[arg(long, value_delimiter = ',', default_value = "visitors,pageviews")]
    metrics: Vec<String>,
    /// By what, with commas: event:page, visit:source, time:day, …
    #[arg(long = "by", value_name = "DIMENSIONS", value_delimiter = ',')]
    dimensions: Vec<String>,
    /// Of what: visit:source==Google|Bing;event:page!=/blog/** or a filter of the stats API in JSON.
    /// Given several times, all hold.
    #[arg(long = "filter", value_name = "FILTER")]
    filters: Vec<String>,
    /// When: day, 24h, 7d, month, 6mo, year, all, or two dates or moments with a comma.
    #[arg(long, default_value = "30d")]
    range: String,
    /// What it is compared with: previous_period, year_over_year, or two dates with a comma.
    #[arg(long)]
    compare: Option<String>,
    /// By what rows are ordered, a metric or dimension, such as pageviews:asc; descending unless
    /// told so.
    #[arg(long, value_name = "NAME[:asc]")]
    order: Vec<String>,
    /// Most rows.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Rows left out before the first.
    #[arg(long, default_value_t = 0)]
    offset: u32,
    /// What the answer is told in.
    #[arg(long, value_enum, default_value = "table")]
    format: Form,
    /// A running server, by its URL; without it the database here is asked.
    #[arg(long, env = "DAYFLY_SERVER")]
    server: Option<String>,
    /// A key for the server (dayfly key create).
    #[arg(long, env = "DAYFLY_KEY", hide_env_values = true)]
    key: Option<String>,
}

/// What an answer is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Columns; an estimate has ≈ and its bounds.
    Table,
    /// As the stats API tells it.
    Json,
    /// Comma-separated values.
    Csv,
}

impl QueryCommand {
    /// Whether a server is asked, and no database.
    pub const fn asks_a_server(&self) -> bool {
        self.server.is_some()
    }

    /// Runs it.
    pub async fn run(&self, data: Option<&DataFolder>) -> Result<()> {
        let body = self.body()?;
        let as_csv = self.format == Form::Csv;
        let told = match (&self.server, data) {
            (Some(server), _) => {
                let key = self.key.as_deref().ok_or_else(|| {
                    Error::Invalid("key: a server wants one, with --key or DAYFLY_KEY".into())
                })?;
                ask::server(server, key, &body, as_csv).await?
            }
            (None, Some(data)) => ask::database(data, &self.site, &body, as_csv).await?,
            (None, None) => return Err(Error::Invalid("server: name one, or --data".into())),
        };
        match self.format {
            Form::Table => {
                let answer: Value = serde_json::from_str(&told)
                    .map_err(|_| Error::Invalid("server: the answer is no JSON".into()))?;
                println!("{}", table::of(&answer));
            }
            Form::Json | Form::Csv => println!("{}", told.trim_end()),
        }
        Ok(())
    }

    /// The question.
    fn body(&self) -> Result<Map<String, Value>> {
        let pair = |text: &str| match text.split_once(',') {
            Some((from, to)) => json!([from.trim(), to.trim()]),
            None => json!(text),
        };
        let mut filters: Vec<Value> = Vec::new();
        for text in &self.filters {
            filters.extend(filter(text)?);
        }
        let order = self.order.iter().map(|text| {
            let (name, direction) = match text.rsplit_once(':') {
                Some((name, direction @ ("asc" | "desc"))) => (name, direction),
                _ => (text.as_str(), "desc"),
            };
            json!([name, direction])
        });
        let order: Vec<Value> = order.collect();
        let mut include = json!({ "total_rows": true });
        if let Some(text) = &self.compare {
            include["comparisons"] = match pair(text) {
                Value::String(mode) => json!({ "mode": mode }),
                dates => json!({ "mode": "custom", "date_range": dates }),
            };
        }
        let body = json!({
            "site_id": self.site,
            "metrics": self.metrics,
            "date_range": pair(&self.range),
            "dimensions": self.dimensions,
            "filters": filters,
            "order_by": order,
            "include": include,
            "pagination": { "limit": self.limit, "offset": self.offset },
        });
        match body {
            Value::Object(body) => Ok(body),
            _ => Ok(Map::new()),
        }
    }
}

/// Filters of one option: JSON of one or of several, or the first API's.
fn filter(text: &str) -> Result<Vec<Value>> {
    let wrong = |problem: String| Error::Invalid(format!("filter: {problem}"));
    if !text.trim_start().starts_with('[') {
        return filters::conditions(text).map_err(wrong);
    }
    let json: Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    Ok(match json {
        Value::Array(list) if list.first().is_some_and(Value::is_array) => list,
        one => vec![one],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        query: QueryCommand,
    }

    fn body(arguments: &[&str]) -> Result<Value> {
        let all = ["query", "--site", "a.example"].iter().chain(arguments);
        Cli::try_parse_from(all)
            .unwrap()
            .query
            .body()
            .map(Value::Object)
    }

    #[test]
    fn options_are_a_question_of_the_second_api() {
        let told = body(&[
            "--metrics",
            "visitors,visits",
            "--by",
            "time:day,visit:source",
            "--filter",
            "visit:country==DE|FR;event:page!=/a/*",
            "--filter",
            r#"["contains","event:page",["b"]]"#,
            "--range",
            "2026-11-01,2026-11-23",
            "--compare",
            "year_over_year",
            "--order",
            "visits:asc",
            "--order",
            "time:day",
        ]);
        assert_eq!(
            told.unwrap(),
            json!({
                "site_id": "a.example", "metrics": ["visitors", "visits"],
                "date_range": ["2026-11-01", "2026-11-23"],
                "dimensions": ["time:day", "visit:source"],
                "filters": [
                    ["is", "visit:country", ["DE", "FR"]],
                    ["matches_wildcard_not", "event:page", ["/a/*"]],
                    ["contains", "event:page", ["b"]],
                ],
                "order_by": [["visits", "asc"], ["time:day", "desc"]],
                "include": {"total_rows": true, "comparisons": {"mode": "year_over_year"}},
                "pagination": {"limit": 50, "offset": 0},
            })
        );
        let several = body(&[
            "--filter",
            r#"[["is","visit:os",["x"]],["not",["is","visit:os",["y"]]]]"#,
        ]);
        assert_eq!(several.unwrap()["filters"].as_array().unwrap().len(), 2);
        for bad in ["visit:os", "[", "visit:os=="] {
            let told = body(&["--filter", bad]).unwrap_err().to_string();
            assert!(told.starts_with("filter: "), "{told}");
        }
    }
}
