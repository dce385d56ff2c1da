//! Processes of a test.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::system::PATIENCE;

/// A process that ends with the value, and with the test process even when that is killed.
pub struct Process(Child);

impl Process {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// The process of this name that a launcher has started; it may not have yet.
    pub fn started(&self, name: &str) -> u32 {
        let until = Instant::now() + PATIENCE;
        loop {
            let task = format!("/proc/{0}/task/{0}/children", self.id());
            let children = std::fs::read_to_string(task).unwrap_or_default();
            let is_it = |id: &&str| {
                let comm = std::fs::read_to_string(format!("/proc/{id}/comm"));
                comm.is_ok_and(|comm| comm.trim_end() == name)
            };
            if let Some(id) = children.split_ascii_whitespace().find(is_it) {
                return id.parse().unwrap();
            }
            assert!(Instant::now() < until, "{name} was not started");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// Sends a signal to it and to those it has started; it must have been started as a group.
    pub fn signal_group(&self, name: &str) {
        let group = format!("-{}", self.id());
        let status = Command::new("kill")
            .args(["-s", name, "--", &group])
            .status();
        assert!(status.unwrap().success());
    }

    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.wait_within(PATIENCE)
    }

    pub fn wait_within(&mut self, patience: Duration) -> std::process::ExitStatus {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "a process does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Sends a signal to a process.
pub fn signal(process: u32, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .status();
    assert!(status.unwrap().success());
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whom it has started goes with it, where it is a group of its own. Not once it was waited
        // for: its number may be another's by then.
        if matches!(self.0.try_wait(), Ok(None)) {
            let group = format!("-{}", self.id());
            let mut kill = Command::new("kill");
            let _ = kill
                .args(["-s", "KILL", "--", &group])
                .stderr(Stdio::null())
                .status();
        }
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
