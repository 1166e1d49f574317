//! Name resolution that can fail: a process sees its own hosts file instead of the machine's, and no name server. It needs a mount
//! namespace, which not every container may create.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The name by which the simulated Organization is reached.
const NAME: &str = "aws.soak.test";

/// A hosts file for one process.
#[derive(Debug)]
pub(crate) struct HostsFile {
    hosts: PathBuf,
    switch: PathBuf,
}

impl HostsFile {
    /// Makes a hosts file in this folder; `None` if the system does not allow a mount namespace.
    pub(crate) fn new(folder: &Path) -> io::Result<Option<Self>> {
        let names = Self { hosts: folder.join("hosts"), switch: folder.join("nsswitch.conf") };
        names.resolve(true)?;
        // No name server.
        std::fs::write(&names.switch, "hosts: files\n")?;
        let shown = names.command(OsStr::new("cat")).arg("/etc/hosts").stdin(Stdio::null()).output();
        Ok(shown.is_ok_and(|shown| shown.stdout == Self::table(true).as_bytes()).then_some(names))
    }

    /// Returns the endpoint with its name in place of its address.
    pub(crate) fn endpoint(endpoint: &str) -> String {
        endpoint.replace("127.0.0.1", NAME)
    }

    /// A command that sees this hosts file.
    pub(crate) fn command(&self, program: &OsStr) -> Command {
        const MOUNT: &str =
            r#"mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/nsswitch.conf && shift 2 && exec "$@""#;
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", MOUNT, "sh"]);
        command.args([&self.hosts, &self.switch]).arg(program);
        command
    }

    /// Sets whether the name can be resolved from now on.
    pub(crate) fn resolve(&self, found: bool) -> io::Result<()> {
        // In place, because this file is mounted.
        std::fs::write(&self.hosts, Self::table(found))
    }

    fn table(found: bool) -> String {
        if found { format!("127.0.0.1 {NAME} localhost\n") } else { "127.0.0.1 localhost\n".to_owned() }
    }
}
