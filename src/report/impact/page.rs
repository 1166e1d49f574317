//! The report as a page.

use std::io::{self, Write};

use super::ImpactReport;

pub(super) fn write(_: &ImpactReport, _: &mut dyn Write) -> io::Result<()> {
    Ok(())
}
