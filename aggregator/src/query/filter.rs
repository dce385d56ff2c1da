//! Filters: which rows a question is about.

use std::collections::BTreeSet;

use regex::{Regex, RegexBuilder};

use super::dimension::{Dimension, EMPTY};

/// Most conditions in one question.
pub const LEAVES_MAX: usize = 100;
/// Most values in one condition.
pub const CLAUSES_MAX: usize = 1_000;
/// Longest value, bytes: longer than any that is stored.
pub const CLAUSE_BYTES_MAX: usize = 2_000;
/// Deepest nesting.
pub const DEPTH_MAX: usize = 16;
/// Bytes a regular expression may take when it is compiled.
const REGEX_BYTES_MAX: usize = 256 * 1024;

/// How a condition compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// The whole value.
    Is,
    /// A part of it.
    Contains,
    /// A regular expression anywhere in it.
    Matches,
    /// The whole value, where `*` is anything but a slash and `**` anything.
    Wildcard,
}

/// All, with their names in the API; true where the name negates.
const OPS: [(&str, Op, bool); 8] = [
    ("is", Op::Is, false),
    ("is_not", Op::Is, true),
    ("contains", Op::Contains, false),
    ("contains_not", Op::Contains, true),
    ("matches", Op::Matches, false),
    ("matches_not", Op::Matches, true),
    ("matches_wildcard", Op::Wildcard, false),
    ("matches_wildcard_not", Op::Wildcard, true),
];

impl Op {
    /// The operator of a name, and whether it negates.
    pub fn parse(name: &str) -> Option<(Self, bool)> {
        let found = OPS.iter().find(|(known, ..)| *known == name);
        found.map(|(_, op, negated)| (*op, *negated))
    }

    /// Its name.
    pub fn name(self, negated: bool) -> &'static str {
        let found = OPS
            .iter()
            .find(|(_, op, not)| *op == self && *not == negated);
        found.map_or("", |(name, ..)| name)
    }

    /// All names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        OPS.iter().map(|(name, ..)| *name)
    }
}

/// One condition. Its values are of what is shown: an empty value is `(none)`.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Of what.
    pub dimension: Dimension,
    /// How.
    pub op: Op,
    /// Holds where it would not.
    pub negated: bool,
    /// What is asked for; any of them.
    pub clauses: Vec<String>,
    /// Whether case counts.
    pub case_sensitive: bool,
    matcher: Matcher,
}

#[derive(Debug, Clone)]
enum Matcher {
    Is(BTreeSet<String>),
    Contains(Vec<String>),
    Regexes(Vec<Regex>),
}

impl PartialEq for Leaf {
    fn eq(&self, other: &Self) -> bool {
        let key = |leaf: &Self| (leaf.op, leaf.negated, leaf.case_sensitive);
        self.dimension == other.dimension
            && key(self) == key(other)
            && self.clauses == other.clauses
    }
}
impl Eq for Leaf {}

impl Leaf {
    /// Makes a condition.
    ///
    /// # Errors
    /// The place of the value that cannot be, and why.
    pub fn new(
        dimension: Dimension,
        (op, negated): (Op, bool),
        clauses: Vec<String>,
        case_sensitive: bool,
    ) -> Result<Self, (usize, String)> {
        let fold = |text: &String| match case_sensitive {
            true => text.clone(),
            false => text.to_lowercase(),
        };
        let matcher = match op {
            Op::Is => Matcher::Is(clauses.iter().map(fold).collect()),
            Op::Contains => Matcher::Contains(clauses.iter().map(fold).collect()),
            Op::Matches | Op::Wildcard => {
                let compile = |(at, text): (usize, &String)| {
                    let pattern = match op {
                        Op::Wildcard => wildcard(text),
                        _ => text.clone(),
                    };
                    RegexBuilder::new(&pattern)
                        .case_insensitive(!case_sensitive)
                        .size_limit(REGEX_BYTES_MAX)
                        .dfa_size_limit(REGEX_BYTES_MAX)
                        .build()
                        .map_err(|error| (at, why(&error)))
                };
                let regexes = clauses.iter().enumerate().map(compile);
                Matcher::Regexes(regexes.collect::<Result<_, _>>()?)
            }
        };
        Ok(Self {
            dimension,
            op,
            negated,
            clauses,
            case_sensitive,
            matcher,
        })
    }

    /// Whether a value of the dimension, as it is stored, is asked for.
    pub fn holds(&self, stored: &str) -> bool {
        let shown = self.dimension.shown(stored);
        let any = match &self.matcher {
            Matcher::Is(texts) => {
                // Any name of emptiness is as good as another.
                let empty = stored.is_empty() && self.names_emptiness();
                let is = match self.case_sensitive {
                    true => texts.contains(&*shown),
                    false => texts.contains(&shown.to_lowercase()),
                };
                empty || is
            }
            Matcher::Contains(texts) => match self.case_sensitive {
                true => texts.iter().any(|text| shown.contains(text)),
                false => {
                    let shown = shown.to_lowercase();
                    texts.iter().any(|text| shown.contains(text))
                }
            },
            Matcher::Regexes(regexes) => regexes.iter().any(|regex| regex.is_match(&shown)),
        };
        any != self.negated
    }

    fn names_emptiness(&self) -> bool {
        let is_empty = |text: &String| EMPTY.iter().any(|name| name.eq_ignore_ascii_case(text));
        self.clauses.iter().any(is_empty)
    }

    /// Whether at most one value can be asked for.
    pub fn is_single(&self) -> bool {
        let one = self.clauses.len() == 1 && self.op == Op::Is && !self.negated;
        one && self.case_sensitive && !self.names_emptiness()
    }
}

/// A regular expression of a pattern with stars.
fn wildcard(pattern: &str) -> String {
    let mut regex = String::from("(?s)^");
    let mut rest = pattern;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("**") {
            regex.push_str(".*");
            rest = after;
        } else if let Some(after) = rest.strip_prefix('*') {
            regex.push_str("[^/]*");
            rest = after;
        } else {
            let end = rest.find('*').unwrap_or(rest.len());
            let (literal, after) = rest.split_at(end);
            regex.push_str(&regex::escape(literal));
            rest = after;
        }
    }
    regex.push('$');
    regex
}

fn why(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the regular expression is too large".into(),
        _ => {
            // The last line of a syntax error says what is wrong; those before draw a picture.
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            let last = last.trim().trim_start_matches("error: ");
            format!("not a regular expression: {last}")
        }
    }
}

/// A tree of conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    And(Vec<Filter>),
    /// Any of them.
    Or(Vec<Filter>),
    /// Not it.
    Not(Box<Filter>),
    /// A condition.
    Leaf(Leaf),
}

impl Filter {
    /// No condition.
    pub const fn all() -> Self {
        Self::And(Vec::new())
    }

    /// A value of a dimension, by name.
    pub fn is(dimension: Dimension, value: &str) -> Self {
        let clauses = vec![value.to_owned()];
        match Leaf::new(dimension, (Op::Is, false), clauses, true) {
            Ok(leaf) => Self::Leaf(leaf),
            // Only patterns fail.
            Err(_) => Self::all(),
        }
    }

    /// Every condition in it.
    pub fn leaves(&self) -> Vec<&Leaf> {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().flat_map(Filter::leaves).collect(),
            Self::Not(filter) => filter.leaves(),
            Self::Leaf(leaf) => vec![leaf],
        }
    }

    /// What has to hold, all of it: the conditions and trees that an outermost "and" joins.
    pub fn conjuncts(&self) -> Vec<&Filter> {
        match self {
            Self::And(all) => all.iter().flat_map(Filter::conjuncts).collect(),
            other => vec![other],
        }
    }

    /// Those conjuncts all of whose conditions are such; the others are dropped, so that what is
    /// left asks for as much or more.
    pub fn keep(&self, is_kept: impl Fn(&Dimension) -> bool) -> Filter {
        let kept = self.conjuncts().into_iter();
        let kept = kept.filter(|one| one.leaves().iter().all(|leaf| is_kept(&leaf.dimension)));
        Self::And(kept.cloned().collect())
    }

    /// With every condition's dimension as `to` says.
    pub fn map(&self, to: &impl Fn(&Dimension) -> Dimension) -> Filter {
        let all = |all: &[Filter]| all.iter().map(|one| one.map(to)).collect();
        match self {
            Self::And(list) => Self::And(all(list)),
            Self::Or(list) => Self::Or(all(list)),
            Self::Not(filter) => Self::Not(Box::new(filter.map(to))),
            Self::Leaf(leaf) => Self::Leaf(Leaf {
                dimension: to(&leaf.dimension),
                ..leaf.clone()
            }),
        }
    }

    /// Both.
    pub fn and(self, other: Filter) -> Filter {
        match self {
            Self::And(mut all) => {
                all.push(other);
                Self::And(all)
            }
            one => Self::And(vec![one, other]),
        }
    }

    /// Whether a condition stands under a negation, or negates.
    pub fn negates(&self, is_meant: &impl Fn(&Dimension) -> bool) -> bool {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().any(|one| one.negates(is_meant)),
            Self::Not(filter) => filter.leaves().iter().any(|leaf| is_meant(&leaf.dimension)),
            Self::Leaf(leaf) => leaf.negated && is_meant(&leaf.dimension),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(op: &str, clauses: &[&str], case_sensitive: bool) -> Leaf {
        let clauses = clauses.iter().map(|text| (*text).to_owned()).collect();
        Leaf::new(
            Dimension::Page,
            Op::parse(op).unwrap(),
            clauses,
            case_sensitive,
        )
        .unwrap()
    }

    #[test]
    fn operators() {
        /// Operator, values, whether case counts, what it holds for, what not.
        type Case = (
            &'static str,
            &'static [&'static str],
            bool,
            &'static [&'static str],
            &'static [&'static str],
        );
        let cases: [Case; 11] = [
            ("is", &["/a", "/b"], true, &["/a", "/b"], &["/A", "/ab", ""]),
            ("is", &["/A"], false, &["/a", "/A"], &["/b"]),
            ("is_not", &["/a"], true, &["/b", ""], &["/a"]),
            ("is", &["(none)"], true, &["", "(none)"], &["/"]),
            ("is", &["Direct / None"], true, &[""], &["/"]),
            ("contains", &["log"], true, &["/blog/x", "log"], &["/LOG"]),
            ("contains", &["LOG"], false, &["/blog/x"], &["/b"]),
            ("contains_not", &["log"], true, &["/", ""], &["/log"]),
            ("matches", &["^/a.*z$"], true, &["/abz", "/az"], &["/abzx"]),
            (
                "matches_wildcard",
                &["/a/*"],
                true,
                &["/a/", "/a/b"],
                &["/a", "/a/b/c"],
            ),
            (
                "matches_wildcard_not",
                &["/a/**"],
                true,
                &["/a"],
                &["/a/b/c", "/a/"],
            ),
        ];
        for (op, clauses, case_sensitive, yes, no) in cases {
            let leaf = leaf(op, clauses, case_sensitive);
            assert!(yes.iter().all(|text| leaf.holds(text)), "{op} {clauses:?}");
            assert!(!no.iter().any(|text| leaf.holds(text)), "{op} {clauses:?}");
        }
        assert!(leaf("matches_wildcard", &["/a.b/**"], true).holds("/a.b/c"));
        assert!(!leaf("matches_wildcard", &["/a.b/**"], true).holds("/axb/c"));
    }

    #[test]
    fn what_is_no_expression_says_so() {
        let new = |text: &str| {
            let clauses = vec!["/".into(), text.to_owned()];
            Leaf::new(Dimension::Page, (Op::Matches, false), clauses, true).map(|_| ())
        };
        let (at, problem) = new("a(").unwrap_err();
        assert_eq!(
            (at, problem.as_str()),
            (1, "not a regular expression: unclosed group")
        );
        assert!(new("(a{1000}){1000}").unwrap_err().1.contains("too large"));
    }

    #[test]
    fn what_is_kept_asks_for_more() {
        let page = Filter::is(Dimension::Page, "/");
        let country = Filter::is(Dimension::Country, "DE");
        let either = Filter::Or(vec![page.clone(), country.clone()]);
        let filter = Filter::And(vec![page.clone(), country.clone(), either]);
        let kept = filter.keep(|dimension| *dimension == Dimension::Country);
        assert_eq!(kept, Filter::And(vec![country]));
        assert_eq!(filter.leaves().len(), 4);
        assert!(!filter.negates(&|_| true));
        assert!(Filter::Not(Box::new(page)).negates(&|d| *d == Dimension::Page));
    }
}
