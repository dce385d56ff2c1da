//! What is sent to whoever is invited, and to whoever has forgotten their password.

use askama::Template;

use super::{Letter, Mail, rendered};
use crate::accounts::token::PlainToken;
use crate::error::Result;

/// A mail with one link in it.
#[derive(Template)]
#[template(path = "letter/link.html")]
struct LinkHtml<'a> {
    title: &'a str,
    says: &'a str,
    link: &'a str,
    button: &'a str,
    after: &'a str,
}

#[derive(Template)]
#[template(path = "letter/link.txt")]
struct LinkText<'a> {
    says: &'a str,
    link: &'a str,
    after: &'a str,
}

fn letter(to: &str, subject: String, html: &LinkHtml<'_>) -> Result<Letter> {
    let text = LinkText {
        says: html.says,
        link: html.link,
        after: html.after,
    };
    Ok(Letter {
        to: to.to_owned(),
        subject,
        text: rendered(&text)?,
        html: rendered(html)?,
        off: None,
        id: None,
    })
}

/// To whoever has forgotten their password.
///
/// # Errors
/// It cannot be rendered.
pub fn reset(mail: &Mail, to: &str, token: &PlainToken) -> Result<Letter> {
    let html = LinkHtml {
        title: "A new password",
        says: "Somebody, you we hope, has asked for a new password for your Dayfly account. Choose it here:",
        link: &mail.link(&format!("/reset/{}", token.as_str())),
        button: "Choose a new password",
        after: "The link works once, within an hour. If it was not you, do nothing: your password stays as it is.",
    };
    letter(to, "A new password for Dayfly".to_owned(), &html)
}

/// To whoever is invited to a site, as viewer, editor or owner.
///
/// # Errors
/// It cannot be rendered.
pub fn invitation(
    mail: &Mail,
    to: &str,
    domain: &str,
    role: &str,
    token: &PlainToken,
) -> Result<Letter> {
    let says = format!("You are invited to the statistics of {domain}, with the role “{role}”.");
    let html = LinkHtml {
        title: "You are invited",
        says: &says,
        link: &mail.link(&format!("/welcome/{}", token.as_str())),
        button: "Have a look",
        after: "The link works once, within a week. If you do not know what this is about, do nothing.",
    };
    letter(
        to,
        format!("You are invited to the statistics of {domain}"),
        &html,
    )
}

/// To whoever tries whether mail works.
///
/// # Errors
/// It cannot be rendered.
pub fn test(to: &str, link: &str) -> Result<Letter> {
    let html = LinkHtml {
        title: "Mail works",
        says: "This is the mail that dayfly mail test sends. Links in mails lead here:",
        link,
        button: "To the dashboard",
        after: "Nothing else is to be done.",
    };
    letter(to, "Mail from Dayfly works".to_owned(), &html)
}
