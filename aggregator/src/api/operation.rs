//! What the API can be asked: each operation with its route, its parameters and its answer.
//!
//! The same table makes the routes and the document (`openapi/`), so that none is without the
//! other. A test sends every example in it and checks the answer against the schema that is told.

use axum::routing::MethodRouter;
use serde_json::Value;

use crate::serve::App;
use crate::store::Scope;

/// What operations are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Any question, in one request.
    Query,
    /// The first stats API.
    Stats,
    /// What only Dayfly has.
    Own,
    /// Sites and what is decided for them.
    Sites,
}

impl Group {
    /// All, in the order of the document, with a name and a sentence.
    pub const ALL: [(Group, &str, &str); 4] = [
        (
            Group::Query,
            "Query",
            "One request answers any question: metrics by dimensions under filters, in the format of the second stats API.",
        ),
        (
            Group::Stats,
            "Stats v1",
            "The first stats API, for programs that were made for it.",
        ),
        (
            Group::Own,
            "Live and funnels",
            "Who is there now, and how far visitors come.",
        ),
        (
            Group::Sites,
            "Sites",
            "Sites, goals, funnels, shown properties, shared links, guests, and what is decided for a site.",
        ),
    ];
}

/// A parameter of the path or of the query.
#[derive(Debug, Clone)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// It must be there.
    pub required: bool,
    /// What it is.
    pub about: String,
    /// What it may be.
    pub schema: Value,
    /// What the example gives, if anything.
    pub example: Option<Value>,
}

impl Param {
    /// One that may be left out.
    pub fn of(name: &'static str, about: impl Into<String>, schema: Value) -> Self {
        Self {
            name,
            required: false,
            about: about.into(),
            schema,
            example: None,
        }
    }

    /// The same, given in the example.
    #[must_use]
    pub fn example(mut self, value: impl Into<Value>) -> Self {
        self.example = Some(value.into());
        self
    }

    /// The same, which must be there.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// A JSON body.
#[derive(Debug, Clone)]
pub struct Body {
    /// What it may be.
    pub schema: Value,
    /// One that is answered.
    pub example: Value,
}

/// What an operation is answered when it is done.
#[derive(Debug, Clone)]
pub enum Answer {
    /// JSON of this schema.
    Json(Value),
    /// The same, or its rows as comma-separated values.
    JsonOrCsv(Value),
    /// A zip of CSV files.
    Zip,
}

/// See the module.
pub struct Operation {
    /// `get`, `post`, `put` or `delete`.
    pub method: &'static str,
    /// With `{name}` for what varies.
    pub path: &'static str,
    /// Its name for programs.
    pub id: &'static str,
    /// Where it belongs.
    pub group: Group,
    /// In a line.
    pub summary: &'static str,
    /// In some.
    pub about: &'static str,
    /// What its key must be for.
    pub scope: Scope,
    /// Of the path, in its order.
    pub in_path: Vec<Param>,
    /// Of the query.
    pub in_query: Vec<Param>,
    /// If it takes one.
    pub body: Option<Body>,
    /// What is answered.
    pub answer: Answer,
    /// The route.
    pub route: MethodRouter<App>,
}

/// All of them, in the order of the document.
pub fn all() -> Vec<Operation> {
    let mut all = super::v2::operations();
    all.extend(super::v1::operations());
    all.extend(super::sites::operations());
    all
}
