//! Shields, one by one: what a site does not count. They are a part of its settings
//! (`settings.rs`); here they are put in and taken out in the form in which they are compared.

use shared::settings::{Settings, Shields};
use shared::visitor::SiteId;

use super::Store;
use crate::error::{Error, Result};

/// What a shield looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shield {
    /// The only hosts that are counted; without any, every host is.
    Host,
    /// Pages that are not counted.
    Page,
    /// Countries that are not counted.
    Country,
    /// Addresses that are not counted.
    Network,
}

impl Shield {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Host, Self::Page, Self::Country, Self::Network];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Page => "page",
            Self::Country => "country",
            Self::Network => "network",
        }
    }

    /// The shield of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What is shielded by it.
    pub const fn list(self, shields: &Shields) -> &Vec<String> {
        match self {
            Self::Host => &shields.hosts,
            Self::Page => &shields.pages,
            Self::Country => &shields.countries,
            Self::Network => &shields.networks,
        }
    }

    /// The same, to be changed.
    pub const fn list_mut(self, shields: &mut Shields) -> &mut Vec<String> {
        match self {
            Self::Host => &mut shields.hosts,
            Self::Page => &mut shields.pages,
            Self::Country => &mut shields.countries,
            Self::Network => &mut shields.networks,
        }
    }

    /// A value in the form in which it is compared.
    pub fn normal(self, value: &str) -> String {
        let value = value.trim();
        match self {
            Self::Host => shared::page_url::host_name(value),
            Self::Country => value.to_ascii_uppercase(),
            Self::Network => value.to_ascii_lowercase(),
            Self::Page => value.to_owned(),
        }
    }
}

impl Store {
    /// Shields a value; gives what holds now.
    ///
    /// # Errors
    /// It is shielded already, is no such value, there are too many, the site does not exist, or
    /// the database failed.
    pub async fn add_shield(&self, site: SiteId, kind: Shield, value: &str) -> Result<Settings> {
        let value = kind.normal(value);
        let change = |settings: &mut Settings| {
            let list = kind.list_mut(&mut settings.shields);
            if list.contains(&value) {
                let kind = kind.as_str();
                return Err(Error::Invalid(format!(
                    "the {kind} {value} is shielded already"
                )));
            }
            list.push(value);
            Ok(())
        };
        self.change_settings(site, change).await
    }

    /// Shields a value no more; gives what holds now.
    ///
    /// # Errors
    /// There is no such shield, the site does not exist, or the database failed.
    pub async fn remove_shield(&self, site: SiteId, kind: Shield, value: &str) -> Result<Settings> {
        let value = kind.normal(value);
        let change = |settings: &mut Settings| {
            let list = kind.list_mut(&mut settings.shields);
            let before = list.len();
            list.retain(|known| *known != value);
            if list.len() == before {
                let kind = kind.as_str();
                return Err(Error::Invalid(format!(
                    "there is no shield for the {kind} {value}"
                )));
            }
            Ok(())
        };
        self.change_settings(site, change).await
    }
}
