//! Sites themselves: `/api/v1/sites` and `/api/v1/sites/{domain}`.

use axum::Json;
use axum::extract::{Request, State};
use serde_json::{Value, json};
use shared::settings::{Detail, Settings, Shields, Signal};

use super::{Call, Named, Refusal, in_path, page, refused};
use crate::api::params::{Params, invalid};
use crate::clock::date_in_utc;
use crate::serve::App;
use crate::site::{self, Site};
use crate::store::{KEPT_MONTHS_MAX, PageFrom, Shield, SiteChange};

/// The zone of a site that was given none.
const TIMEZONE: &str = "Etc/UTC";
/// What [`create`] takes.
pub const CREATED_WITH: [&str; 2] = ["domain", "timezone"];
/// What [`change`] takes.
pub const CHANGED: [&str; 8] = [
    "domain",
    "timezone",
    "gpc",
    "dnt",
    "clean_paths",
    "detail",
    "keep_months",
    "shields",
];
/// The lists of `shields`.
pub const LISTS: [&str; 4] = ["hosts", "pages", "countries", "networks"];

/// `GET /api/v1/sites`.
pub async fn list(State(app): State<App>, request: Request) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &page::FIELDS).await?;
    let wanted = page::wanted(&call.params, |text| site::domain(text).ok())?;
    let only = call.access.only_site();
    let sites = app
        .store
        .sites_page(only, &wanted.from, wanted.limit + 1)
        .await?;
    // On the other side: the item that the cursor names, or one before it.
    let earlier = match (&wanted.from, sites.first(), sites.last()) {
        (PageFrom::After(_), Some(first), _) => {
            let before = PageFrom::Before(first.domain.clone());
            !app.store.sites_page(only, &before, 1).await?.is_empty()
        }
        (PageFrom::Before(_), _, Some(last)) => {
            let after = PageFrom::After(last.domain.clone());
            !app.store.sites_page(only, &after, 1).await?.is_empty()
        }
        _ => false,
    };
    let (sites, meta) = page::cut(sites, &wanted, earlier, |site| site.domain.clone());
    let sites: Vec<Value> = sites.iter().map(named).collect();
    Ok(Json(json!({ "sites": sites, "meta": meta })))
}

fn named(site: &Site) -> Value {
    json!({ "domain": site.domain, "timezone": site.timezone_name() })
}

/// A site and everything that is decided for it, but goals and funnels.
async fn whole(app: &App, site: &Site) -> Result<Json<Value>, Refusal> {
    let settings = app.store.settings_of(site.id).await?;
    Ok(Json(json!({
        "domain": site.domain,
        "timezone": site.timezone_name(),
        "custom_properties": app.store.props(site.id).await?,
        "gpc": settings.gpc.as_str(),
        "dnt": settings.dnt.as_str(),
        "clean_paths": settings.clean_paths,
        "detail": settings.detail.as_str(),
        "keep_months": app.store.kept_months(site.id).await?,
        "shields": settings.shields,
    })))
}

fn domain(params: &Params) -> Result<Option<String>, Refusal> {
    let text = params.text("domain")?;
    text.map(site::domain).transpose().map_err(refused(&[]))
}

/// The zone, if one was given; a blank one is none.
fn timezone(params: &Params) -> Result<Option<jiff::tz::TimeZone>, Refusal> {
    let text = params
        .text("timezone")?
        .filter(|text| !text.trim().is_empty());
    text.map(site::timezone).transpose().map_err(refused(&[]))
}

/// `POST /api/v1/sites`.
pub async fn create(State(app): State<App>, request: Request) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &CREATED_WITH).await?;
    if call.access.only_site().is_some() {
        return Err(Refusal::NoAccess); // It would not be the key's site.
    }
    call.params.required("domain")?;
    let domain = domain(&call.params)?.unwrap_or_default();
    let timezone = timezone(&call.params)?;
    let timezone = timezone.as_ref().and_then(jiff::tz::TimeZone::iana_name);
    let today = date_in_utc(app.clock.now_ms());
    let added = app
        .store
        .add_site(&domain, timezone.unwrap_or(TIMEZONE), today)
        .await?;
    if !added {
        return Err(invalid("domain", format!("{domain} is taken")));
    }
    let site = call.access.site(&app, "domain", &domain).await?;
    whole(&app, &site).await
}

/// `GET /api/v1/sites/{domain}`.
pub async fn show(
    State(app): State<App>,
    name: Named,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &[]).await?;
    let site = call
        .access
        .site(&app, "domain", &in_path("domain", name)?)
        .await?;
    whole(&app, &site).await
}

/// What a request decides anew beside domain, zone and months; what is `None` stays.
struct Decisions {
    gpc: Option<Signal>,
    dnt: Option<Signal>,
    clean_paths: Option<bool>,
    detail: Option<Detail>,
    shields: [Option<Vec<String>>; 4],
}

impl Decisions {
    fn read(params: &Params) -> Result<Self, Refusal> {
        Ok(Self {
            gpc: params.word("gpc", &Signal::ALL)?,
            dnt: params.word("dnt", &Signal::ALL)?,
            clean_paths: params.flag("clean_paths")?,
            detail: params.word("detail", &Detail::ALL)?,
            shields: shields(params)?,
        })
    }

    fn apply(self, settings: &mut Settings) {
        settings.gpc = self.gpc.unwrap_or(settings.gpc);
        settings.dnt = self.dnt.unwrap_or(settings.dnt);
        settings.clean_paths = self.clean_paths.unwrap_or(settings.clean_paths);
        settings.detail = self.detail.unwrap_or(settings.detail);
        let Shields {
            hosts,
            pages,
            countries,
            networks,
        } = &mut settings.shields;
        let lists = [hosts, pages, countries, networks];
        for (list, new) in lists.into_iter().zip(self.shields) {
            if let Some(new) = new {
                *list = new;
            }
        }
    }
}

/// The lists of `shields` that were given, entries in the form in which they are compared.
fn shields(params: &Params) -> Result<[Option<Vec<String>>; 4], Refusal> {
    let Some(given) = params.get("shields") else {
        return Ok(Default::default());
    };
    let given = given
        .as_object()
        .ok_or_else(|| invalid("shields", "must be an object of lists"))?;
    if let Some(name) = given.keys().find(|name| !LISTS.contains(&name.as_str())) {
        let name: String = name.chars().take(100).collect();
        return Err(invalid(&format!("shields.{name}"), "unknown parameter"));
    }
    let list = |(name, kind): (&str, Shield)| -> Result<Option<Vec<String>>, Refusal> {
        let wrong = || invalid(&format!("shields.{name}"), "must be a list of strings");
        let Some(value) = given.get(name) else {
            return Ok(None);
        };
        let entries = value.as_array().ok_or_else(wrong)?.iter();
        let mut list: Vec<String> = Vec::new();
        for entry in entries {
            let entry = kind.normal(entry.as_str().ok_or_else(wrong)?);
            if !list.contains(&entry) {
                list.push(entry);
            }
        }
        Ok(Some(list))
    };
    let [hosts, pages, countries, networks] = LISTS;
    Ok([
        list((hosts, Shield::Host))?,
        list((pages, Shield::Page))?,
        list((countries, Shield::Country))?,
        list((networks, Shield::Network))?,
    ])
}

/// `PUT /api/v1/sites/{domain}`.
pub async fn change(
    State(app): State<App>,
    name: Named,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &CHANGED).await?;
    let site = call
        .access
        .site(&app, "domain", &in_path("domain", name)?)
        .await?;
    let params = &call.params;
    if CHANGED.iter().all(|field| params.get(field).is_none()) {
        return Err(invalid("domain", "nothing is to be changed"));
    }
    let change = SiteChange {
        domain: domain(params)?,
        timezone: timezone(params)?,
        kept_months: params.number("keep_months", 1..=KEPT_MONTHS_MAX)?,
    };
    let decisions = Decisions::read(params)?;
    let today = date_in_utc(app.clock.now_ms());
    let changed = app
        .store
        .change_site(site.id, &change, today, |settings| {
            decisions.apply(settings)
        })
        .await
        .map_err(refused(&[]))?;
    whole(&app, &changed).await
}

/// `DELETE /api/v1/sites/{domain}`: the site and everything counted for it, at once and for ever.
pub async fn remove(
    State(app): State<App>,
    name: Named,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let call = Call::take(&app, request, &[]).await?;
    let site = call
        .access
        .site(&app, "domain", &in_path("domain", name)?)
        .await?;
    app.erase_site(site.id).await?;
    Ok(Json(json!({ "deleted": "true" })))
}
