//! The command line of `dayfly`.

mod cli;

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use aggregator::data::DataFolder;
use aggregator::error::Result;
use aggregator::geo::cli::GeoCommand;
use clap::{CommandFactory as _, Parser, Subcommand};

use cli::audit::AuditCommand;
use cli::backup::{BackupCommand, RestoreCommand};
use cli::doctor::DoctorCommand;
use cli::export::ExportCommand;
use cli::front::FrontCommand;
use cli::funnel::FunnelCommand;
use cli::goal::GoalCommand;
use cli::import::ImportCommand;
use cli::key::KeyCommand;
use cli::mail::MailCommand;
use cli::migrate::MigrateCommand;
use cli::query::QueryCommand;
use cli::serve::ServeCommand;
use cli::share::ShareCommand;
use cli::shield::ShieldCommand;
use cli::site::SiteCommand;
use cli::user::UserCommand;

/// For what is Rust's and what is SQLite's alike: glibc's keeps what was freed in a heap for each thread
/// that ever ran, and a server grows by them for as long as it runs. `.cargo/config.toml` sets it.
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Dayfly's aggregator: web analytics that can prove it forgets.
#[derive(Parser)]
#[command(name = "dayfly", version, about)]
struct Cli {
    /// The folder that everything is kept in.
    #[arg(long, env = "DAYFLY_DATA", default_value = "data", global = true)]
    data: PathBuf,
    /// A Postgres database, postgres://user:password@host/name, in the place of the SQLite file in
    /// the data folder.
    #[arg(long, env = "DAYFLY_DATABASE", hide_env_values = true, global = true)]
    database: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server: the edge's channel, the stats API, the dashboard.
    Serve(Box<ServeCommand>),
    /// Put HTTPS before edge and server of this machine, where there is no proxy.
    Front(FrontCommand),
    /// Add, list and remove sites and decide how they count, also while the server runs.
    #[command(subcommand)]
    Site(SiteCommand),
    /// Say what a site does not count, also while the server runs.
    #[command(subcommand)]
    Shield(ShieldCommand),
    /// Say what visitors of a site are wanted to do, also while the server runs.
    #[command(subcommand)]
    Goal(GoalCommand),
    /// Put goals of a site in order, also while the server runs.
    #[command(subcommand)]
    Funnel(FunnelCommand),
    /// Say who may see a site's numbers without an account, also while the server runs.
    #[command(subcommand)]
    Share(ShareCommand),
    /// Make keys for programs, also while the server runs.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Say who may log in and what they may see, also while the server runs.
    #[command(subcommand)]
    User(UserCommand),
    /// Try whether mail works.
    #[command(subcommand)]
    Mail(MailCommand),
    /// Ask what was counted, here or a running server.
    Query(QueryCommand),
    /// Check that all that was accepted is applied or waits, and what is stored about visitors.
    Audit(AuditCommand),
    /// Look at a running installation from end to end, and say what to do about what is wrong.
    Doctor(Box<DoctorCommand>),
    /// Write all that is stored, but the live view, into one file; also while the server runs.
    Backup(BackupCommand),
    /// Put a backup in the place of what is stored; the server must be stopped.
    Restore(RestoreCommand),
    /// Move everything to another database, also while the server runs; then restart it with that.
    Migrate(MigrateCommand),
    /// Count what happened before, from a file, also while the server runs.
    Import(ImportCommand),
    /// Write a site's counts into a zip of CSV files, also while the server runs.
    Export(ExportCommand),
    /// Make a table of countries for the edge, and ask one.
    #[command(subcommand)]
    Geo(GeoCommand),
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("DAYFLY_LOG");
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter.unwrap_or_else(|_| "info".into()))
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let cli = Cli::parse();
    // `dayfly key list | head` ends quietly. The server goes on when somebody hangs up.
    if !matches!(cli.command, Command::Serve(_) | Command::Front(_)) {
        sigpipe::reset();
    }
    match run(cli).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("dayfly: error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The variables that a command or those below it take.
fn variables(command: &clap::Command) -> BTreeSet<String> {
    let own = command
        .get_arguments()
        .filter_map(|argument| argument.get_env());
    let mut names: BTreeSet<String> = own
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.extend(command.get_subcommands().flat_map(variables));
    names
}

async fn run(cli: Cli) -> Result<ExitCode> {
    if let Command::Geo(command) = cli.command {
        command.run()?; // Needs no data folder, and makes none.
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Doctor(command) = cli.command {
        // This one neither.
        let known = variables(&Cli::command());
        return command
            .run(&cli.data, cli.database.as_deref(), &known)
            .await;
    }
    if let Command::Front(command) = cli.command {
        command.run().await?; // Nor does this.
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Mail(command) = cli.command {
        command.run().await?; // Nor does this.
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Query(command) = &cli.command
        && command.asks_a_server()
    {
        command.run(None).await?; // Needs none either.
        return Ok(ExitCode::SUCCESS);
    }
    let data = DataFolder::open(&cli.data, cli.database.as_deref())?;
    match cli.command {
        Command::Audit(command) => return command.run(&data).await,
        Command::Import(command) => return command.run(&data).await,
        Command::Export(command) => command.run(&data).await,
        Command::Doctor(_) | Command::Front(_) => return Ok(ExitCode::SUCCESS), // Ran above.
        Command::Geo(command) => command.run(),
        Command::Serve(command) => command.run(&data).await,
        Command::Site(command) => command.run(&data).await,
        Command::Shield(command) => command.run(&data).await,
        Command::Goal(command) => command.run(&data).await,
        Command::Funnel(command) => command.run(&data).await,
        Command::Share(command) => command.run(&data).await,
        Command::Key(command) => command.run(&data).await,
        Command::Mail(command) => command.run().await,
        Command::User(command) => command.run(&data).await,
        Command::Query(command) => command.run(Some(&data)).await,
        Command::Backup(command) => command.run(&data).await,
        Command::Restore(command) => command.run(&data).await,
        Command::Migrate(command) => command.run(&data).await,
    }?;
    Ok(ExitCode::SUCCESS)
}
