//! New migrations are embedded without touching a source file.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
