//! This module owns names that can be taken away: a process sees a table of hosts of its own in place of the machine's, and no
//! name server. That takes a mount namespace, which not every container may have.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The name by which the simulated Organization is reached.
const NAME: &str = "aws.soak.test";

/// A table of hosts.
#[derive(Debug)]
pub(crate) struct Names {
    hosts: PathBuf,
    switch: PathBuf,
}

impl Names {
    /// Makes a table in this folder, if a process can be given one here.
    pub(crate) fn new(folder: &Path) -> io::Result<Option<Self>> {
        let names = Self { hosts: folder.join("hosts"), switch: folder.join("nsswitch.conf") };
        names.resolve(true)?;
        // Nobody else is asked.
        std::fs::write(&names.switch, "hosts: files\n")?;
        let shown = names.command(OsStr::new("cat")).arg("/etc/hosts").stdin(Stdio::null()).output();
        Ok(shown.is_ok_and(|shown| shown.stdout == Self::table(true).as_bytes()).then_some(names))
    }

    /// The same endpoint by its name.
    pub(crate) fn endpoint(endpoint: &str) -> String {
        endpoint.replace("127.0.0.1", NAME)
    }

    /// A program that sees this table.
    pub(crate) fn command(&self, program: &OsStr) -> Command {
        const MOUNT: &str =
            r#"mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/nsswitch.conf && shift 2 && exec "$@""#;
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", MOUNT, "sh"]);
        command.args([&self.hosts, &self.switch]).arg(program);
        command
    }

    /// Whether the name can be found from now on.
    pub(crate) fn resolve(&self, found: bool) -> io::Result<()> {
        // In place: what is mounted is this very file.
        std::fs::write(&self.hosts, Self::table(found))
    }

    fn table(found: bool) -> String {
        if found { format!("127.0.0.1 {NAME} localhost\n") } else { "127.0.0.1 localhost\n".to_owned() }
    }
}
