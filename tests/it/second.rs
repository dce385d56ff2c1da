//! A second `dayfly serve` on the Postgres of a system: a folder of its own, the same key and database.

use std::process::Command;

use tempfile::TempDir;

use crate::system::{KEY, Process, System, dayfly, free_port};

/// See the module.
pub struct Second {
    data: TempDir,
    salts: TempDir,
    pub port: u16,
    database: String,
}

impl Second {
    pub fn new(system: &System) -> Self {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("edge.key"), KEY).unwrap();
        Self {
            data,
            salts: tempfile::tempdir_in("/dev/shm").unwrap(),
            port: free_port(),
            database: system.database.clone().unwrap(),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(dayfly());
        command
            .arg("serve")
            .env("DAYFLY_DATA", self.data.path())
            .env("DASHBOARD_PORT", self.port.to_string())
            .env("DAYFLY_DATABASE", &self.database);
        command
    }

    /// Starts it; it has the salts from the system's first server.
    pub async fn start(&self, system: &System) -> Process {
        let mut command = self.command();
        command.env("DAYFLY_SALTS_FROM", system.dashboard_url(""));
        let process = system.logged(&mut command, "second");
        system.until_answers(self.url("/health")).await;
        process
    }

    /// Starts it to keep the salts itself.
    pub fn start_as_keeper(&self, system: &System) -> Process {
        let mut command = self.command();
        command.env("DAYFLY_SALTS_DIR", self.salts.path());
        system.logged(&mut command, "second")
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}
