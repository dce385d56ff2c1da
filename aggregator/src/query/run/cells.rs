//! From what the terms came to, the cell of a metric in a group.

use rustc_hash::FxHashMap;

use super::super::distinct::spread;
use super::super::metric::{Cell, Estimate, Value};
use super::super::plan::{CURRENCY_SLOT, Formula, Plan, Sum};
use super::super::sums::Group;
use super::super::texts::Texts;
use super::{Counted, Run};

/// For each group its currencies.
type Currencies = FxHashMap<Group, Vec<u32>>;

impl Run<'_> {
    pub(super) fn cell(
        &self,
        formula: &Formula,
        group: &Group,
        counted: &[Counted],
        by_currency: &Currencies,
        texts: &Texts,
    ) -> Cell {
        let sum = |terms: &Sum| {
            let each = terms.iter().map(|term| {
                let group = self.projected(group, &self.plan.terms[*term]);
                counted[*term].get(&group).copied().unwrap_or_default()
            });
            each.fold(Estimate::default(), Estimate::plus)
        };
        match formula {
            Formula::Count { of, cap } => count(capped(sum(of), cap.as_ref().map(sum))),
            Formula::Ratio {
                of,
                per,
                cap,
                scale,
                decimals,
                unless,
            } => {
                if unless.as_ref().is_some_and(|unless| sum(unless).value == 0) {
                    return Cell::exact(Value::None);
                }
                let of = capped(sum(of), cap.as_ref().map(sum));
                ratio(of, sum(per), *scale, *decimals)
            }
            Formula::Money { milli, per } => {
                let of = |terms: &Sum, currency: u32| {
                    let each = terms.iter().map(|term| {
                        let mut group = self.projected(group, &self.plan.terms[*term]);
                        group[CURRENCY_SLOT] = currency;
                        counted[*term].get(&group).map_or(0, |n| n.value)
                    });
                    each.sum::<u64>()
                };
                // Amounts in several currencies have no sum.
                let currencies = by_currency.get(group).map_or(&[][..], Vec::as_slice);
                let [currency] = currencies else {
                    return Cell::exact(Value::None);
                };
                let total = of(milli, *currency);
                let milli = match per {
                    None => total,
                    Some(per) => total / of(per, *currency).max(1),
                };
                Cell::exact(Value::Money {
                    milli,
                    currency: texts.text(*currency).to_owned(),
                })
            }
        }
    }
}

pub(super) fn currencies(plan: &Plan, counted: &[Counted]) -> Currencies {
    let mut all = Currencies::default();
    for formula in &plan.formulas {
        let Formula::Money { milli, .. } = formula else {
            continue;
        };
        for group in milli.iter().flat_map(|term| counted[*term].keys()) {
            let currencies = all.entry(without_currency(group)).or_default();
            if !currencies.contains(&group[CURRENCY_SLOT]) {
                currencies.push(group[CURRENCY_SLOT]);
            }
        }
    }
    all
}

pub(super) fn without_currency(group: &Group) -> Group {
    let mut group = *group;
    group[CURRENCY_SLOT] = 0;
    group
}

fn capped(of: Estimate, cap: Option<Estimate>) -> Estimate {
    let Some(cap) = cap.filter(|_| !of.is_exact()) else {
        return of;
    };
    let upper = of.upper.min(cap.upper).max(of.lower);
    let value = of.value.min(spread(of.value, cap.upper));
    Estimate {
        lower: of.lower,
        value: value.clamp(of.lower, upper),
        upper,
    }
}

pub(super) fn count(n: Estimate) -> Cell {
    Cell {
        value: Value::Whole(n.value),
        bounds: (!n.is_exact()).then_some([n.lower as f64, n.upper as f64]),
    }
}

fn ratio(of: Estimate, per: Estimate, (times, over): (u32, u32), decimals: u32) -> Cell {
    let rate = |of: u64, per: u64| {
        let places = f64::from(10_u32.pow(decimals));
        let rate = of as f64 * f64::from(times) / (per.max(1) as f64 * f64::from(over));
        (rate * places).round() / places
    };
    let value = rate(of.value, per.value);
    let value = match decimals {
        0 => Value::Whole(value as u64),
        _ => Value::Decimal(value),
    };
    let is_exact = of.is_exact() && per.is_exact();
    let bounds = [rate(of.lower, per.upper), rate(of.upper, per.lower)];
    Cell {
        value,
        bounds: (!is_exact).then_some(bounds),
    }
}
