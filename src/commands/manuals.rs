//! `completions` and `man`: print completion scripts and manual pages.

use std::fs;

use crate::cli::{CompletionsArgs, ManArgs, completions as script, manual_pages};
use crate::error::Error;
use crate::run::stdout::{self, write};
use crate::terminal::stderr;

/// Prints the completion script for a shell.
pub(super) fn completions(args: &CompletionsArgs) -> Result<u8, Error> {
    write(|to| to.write_all(&script(args.shell))).map_err(stdout::unwritable("the completions"))?;
    Ok(0)
}

/// Prints the program's manual page, or writes the pages of all commands into a folder.
pub(super) fn man(args: &ManArgs) -> Result<u8, Error> {
    let pages = manual_pages().map_err(stdout::unwritable("the manual page"))?;
    let Some(folder) = &args.folder else {
        let page = pages.first().map(|(_, page)| page.as_slice()).unwrap_or_default();
        write(|to| to.write_all(page)).map_err(stdout::unwritable("the manual page"))?;
        return Ok(0);
    };
    let unwritable = |path: &std::path::Path| {
        let path = path.to_owned();
        move |source| Error::Unwritable { what: "the manual page", path, source }
    };
    fs::create_dir_all(folder).map_err(unwritable(folder))?;
    for (name, page) in &pages {
        let path = folder.join(name);
        fs::write(&path, page).map_err(unwritable(&path))?;
    }
    let text = format!("{} manual pages are in {}\n", pages.len(), folder.display());
    stderr::write(crate::sanitize::for_terminal(text.trim_end()).into_owned() + "\n");
    Ok(0)
}
