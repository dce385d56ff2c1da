//! Every bound of Dayfly, in one place. A bound on something that is counted overflows into
//! [`OTHER`], so that totals stay exact (I9); a bound on an input is answered with an error that
//! names the field.

/// Largest body of a beacon, bytes; above it 413.
pub const EVENT_BODY_BYTES_MAX: usize = 64 * 1024;
/// Longest event name, characters.
pub const EVENT_NAME_CHARS_MAX: usize = 120;
/// Longest `url` of an event, bytes.
pub const URL_BYTES_MAX: usize = 2_000;
/// Most sites one event may be sent to.
pub const DOMAINS_MAX: usize = 20;
/// Longest domain, bytes (RFC 1035, section 2.3.4).
pub const DOMAIN_BYTES_MAX: usize = 253;
/// Longest User-Agent that enters the visitor hash, bytes; the rest is ignored.
pub const USER_AGENT_BYTES_MAX: usize = 1_024;
/// Most engaged time one engagement event may add, milliseconds (one hour).
pub const ENGAGED_MS_MAX: u32 = 3_600_000;

/// Most properties of one event; what is beyond is left out and told.
pub const PROPS_MAX: usize = 30;
/// Longest name of a property, bytes.
pub const PROP_KEY_BYTES_MAX: usize = 300;
/// Longest value of a property, bytes.
pub const PROP_VALUE_BYTES_MAX: usize = 2_000;
/// Largest revenue of one event, thousandths of the currency's unit (a thousand million units).
pub const REVENUE_MILLI_MAX: u64 = 1_000_000_000_000;

/// Most events of one visitor that one day counts.
pub const VISITOR_HITS_MAX: u32 = 1_000;
/// Most distinct row keys one visitor may touch in a day; what is beyond counts as [`OTHER`].
pub const VISITOR_TOUCHES_MAX: usize = 2_500;
/// Most events of one address in one minute, whatever the site; above it they are throttled.
pub const ADDRESS_HITS_MAX: u32 = 300;
/// Addresses of the running minute that one isolate tells apart; beyond it nobody new is limited.
pub const ADDRESSES_MAX: usize = 100_000;

/// Most goals of one site.
pub const GOALS_MAX: usize = 100;
/// Most funnels of one site.
pub const FUNNELS_MAX: usize = 20;
/// Fewest and most steps of one funnel.
pub const FUNNEL_STEPS_MIN: usize = 2;
/// See [`FUNNEL_STEPS_MIN`].
pub const FUNNEL_STEPS_MAX: usize = 8;
/// Most properties of one site that are named to be shown.
pub const PROPS_SHOWN_MAX: usize = 300;
/// Most entries of each shield of one site.
pub const SHIELD_ENTRIES_MAX: usize = 500;
/// Longest pattern of pages or hosts, bytes.
pub const PATTERN_BYTES_MAX: usize = 200;
/// A visit lives while its last event is at most this long ago, seconds.
pub const VISIT_IDLE_S: u32 = 30 * 60;

/// Most hits gathered into one call to a day object.
pub const GATHER_HITS_MAX: usize = 1_000;
/// Most beacons waiting for one day object at one Worker; above it 503.
pub const GATHER_WAITING_MAX: usize = 20_000;
/// Largest body of a call to a day object, bytes: what it adds is stored as one row, and such a row
/// may have 2 MB.
pub const CALL_BYTES_MAX: usize = 768 * 1024;
/// How many gather ids a day object remembers to refuse a repeated call.
pub const GATHER_IDS_KEPT: usize = 512;

/// Most distinct pages of one day object.
pub const PAGES_MAX: u32 = 20_000;
/// Most distinct hosts of one day object.
pub const HOSTS_MAX: u32 = 1_000;
/// Most distinct event names of one day object.
pub const EVENT_NAMES_MAX: u32 = 2_000;
/// Most distinct countries of one day object.
pub const COUNTRIES_MAX: u32 = 300;
/// Most distinct sources of one day object.
pub const SOURCES_MAX: u32 = 5_000;
/// Most distinct referrers of one day object.
pub const REFERRERS_MAX: u32 = 10_000;
/// Most distinct values of each campaign parameter of one day object.
pub const UTM_VALUES_MAX: u32 = 2_000;
/// Most distinct devices, browsers and operating systems, each, of one day object; their names
/// come from our own tables.
pub const AGENT_NAMES_MAX: u32 = 500;
/// Most distinct versions of browsers and operating systems, each, of one day object; whoever
/// writes a User-Agent writes those.
pub const AGENT_VERSIONS_MAX: u32 = 1_000;
/// Most distinct names of properties of one day object.
pub const PROP_KEYS_MAX: u32 = 500;
/// Most distinct values of properties of one day object.
pub const PROP_VALUES_MAX: u32 = 20_000;
/// Most distinct currencies of one day object.
pub const CURRENCIES_MAX: u32 = 200;
/// Most bytes of distinct strings of one day object, whatever their kind; what is new beyond it
/// counts as [`OTHER`].
pub const DICT_BYTES_MAX: usize = 12 * 1024 * 1024;
/// Most distinct combinations of visit attributes of one day object.
pub const VISIT_ATTRS_MAX: u32 = 50_000;
/// Most distinct combinations of client attributes of one day object.
pub const CLIENT_ATTRS_MAX: u32 = 20_000;
/// Most rows waiting to be sealed before new combinations fold into [`OTHER`].
pub const OPEN_ROWS_MAX: usize = 100_000;

/// Most rows of one batch.
pub const BATCH_ROWS_MAX: usize = 20_000;
/// Most rows of rollups of one batch.
pub const ROLLUP_ROWS_MAX: usize = 400_000;
/// Largest batch as sent (compressed), bytes.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Largest batch once decompressed, bytes.
pub const BATCH_JSON_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest string of a batch, bytes.
pub const BATCH_STRING_BYTES_MAX: usize = 2_048;
/// Open rows that are sealed at once, when nothing waits to be sent, instead of after a pause.
pub const SEAL_ROWS: usize = 1_000;
/// Batches waiting at one source before it stops sealing and merges instead.
pub const OUTBOX_WAITING_MAX: u64 = 64;
/// Most dead letters of one day object; what is refused beyond them keeps its place and waits.
pub const DEAD_MAX: usize = 64;
/// How often the aggregator is asked what it has of a source, and whether it takes dead letters
/// now, ms.
pub const ASK_AGAIN_MS: i64 = 3_600_000;
/// Longest reason that is kept of a refusal, bytes.
pub const REASON_BYTES_MAX: usize = 200;
/// Most day objects whose reports are kept at once.
pub const REPORTS_MAX: usize = 1_000;
/// Rows of uncompacted deltas before they are merged.
pub const DELTAS_MAX: u64 = 512;
/// Target size of one stored chunk of counts, bytes (a stored row may have 2 MB).
pub const CHUNK_BYTES: usize = 512 * 1024;
/// Bytes of the log of visitors before their rows are written. More of it means fewer rows written,
/// and more to read when a day object comes back to life.
pub const LOG_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long an acknowledged batch is kept for an aggregator restored from a backup, ms.
pub const ACKED_KEPT_MS: i64 = 48 * 3_600_000;

/// How far a signed request's clock may be off, seconds.
pub const SIGNATURE_SKEW_S: i64 = 300;
/// Most edge keys valid at once.
pub const EDGE_KEYS_MAX: usize = 4;
/// After the day's end: when its object closes, ms.
pub const CLOSE_AFTER_MS: i64 = 60_000;
/// After the day's end: when its salt is destroyed, ms.
pub const SALT_GRACE_MS: i64 = 10 * 60_000;
/// How long a roster is used before it is fetched anew, ms.
pub const ROSTER_FRESH_MS: i64 = 60_000;
/// Days the roster tells ahead for each site.
pub const ROSTER_DAYS: usize = 8;
/// Most shards of one site and day.
pub const SHARDS_MAX: u16 = 256;

/// Largest table of countries, bytes: a Worker carries it.
pub const GEO_TABLE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest attribution of a table of countries, bytes.
pub const GEO_ATTRIBUTION_BYTES_MAX: usize = 1_000;

/// What everything beyond a bound is counted under.
pub const OTHER: &str = "(other)";
/// The host of an event whose url has none.
pub const NO_HOST: &str = "(none)";
