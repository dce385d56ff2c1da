//! Builds what a browser loads into `$OUT_DIR/assets` (see `web/build.mjs`), from the npm packages
//! that scripts/setup installs. And: new migrations are embedded without touching a source file.

use std::path::Path;
use std::process::Command;

/// What the scripts, the styles and the map are made with and of.
const PACKAGES: [&str; 5] = [
    "esbuild",
    "htmx.org",
    "topojson-client",
    "uplot",
    "world-atlas",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=assets");
    println!("cargo::rerun-if-changed=web");
    if let Err(problem) = run() {
        println!("cargo::error={problem}");
    }
}

fn run() -> Result<(), String> {
    let variable = |name| std::env::var(name).map_err(|_| format!("cargo sets no {name}"));
    let here = variable("CARGO_MANIFEST_DIR")?;
    for package in PACKAGES {
        let path = Path::new(&here).join(format!("../node_modules/{package}/package.json"));
        println!("cargo::rerun-if-changed={}", path.display());
        if !path.exists() {
            let text = "run scripts/setup: the dashboard is made with node_modules/";
            return Err(format!("{text}{package}, which is not there"));
        }
    }
    let script = Path::new(&here).join("web/build.mjs");
    let out = Path::new(&variable("OUT_DIR")?).join("assets");
    let made = Command::new("node").arg(script).arg(out).output();
    let made =
        made.map_err(|problem| format!("run scripts/setup: node does not start: {problem}"))?;
    if made.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&made.stderr);
    Err(format!(
        "web/build.mjs: {}",
        told.trim().replace('\n', " | ")
    ))
}
