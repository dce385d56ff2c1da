//! The attributes counts are keyed by: T, what a visit came with, and C, what its browser is.
//!
//! Both are fixed arrays of strings in a published order; the empty string is "not known". A new
//! attribute is one line in [`VISIT_ATTRS`] or [`CLIENT_ATTRS`], a column at the aggregator, and
//! a new wire version.

use crate::dict::Kind;

/// Visit attributes, in wire order. Fixed by the visit's first event.
pub const VISIT_ATTRS: [(&str, Kind); VISIT_ATTRS_LEN] =
    [("entry_page", Kind::Page), ("entry_host", Kind::Host)];
/// How many visit attributes there are.
pub const VISIT_ATTRS_LEN: usize = 2;

/// Client attributes, in wire order. Constant for a visitor: the visitor hash covers what they
/// are derived from.
pub const CLIENT_ATTRS: [(&str, Kind); CLIENT_ATTRS_LEN] = [("country", Kind::Country)];
/// How many client attributes there are.
pub const CLIENT_ATTRS_LEN: usize = 1;

/// Client attributes of one hit.
pub type Client = [String; CLIENT_ATTRS_LEN];
