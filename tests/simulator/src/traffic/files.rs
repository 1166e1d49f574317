//! Writes the events as an organization trail leaves them in a bucket.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{DAY, Event};
use crate::clock::iso8601;
use crate::secrets::mix;
use crate::tree::ORGANIZATION_ID;
use crate::world::World;

impl World {
    /// Writes the events of all accounts below `folder`, in the layout of an organization trail: a file for each account, Region and
    /// day, `AWSLogs/o-…/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/….json.gz`. Returns how many files were written.
    ///
    /// # Errors
    /// If a file can't be written.
    pub fn write_trail(&mut self, folder: &Path) -> io::Result<usize> {
        let mut files = 0;
        for index in 0..u32::try_from(self.accounts.len()).expect("an organization has at most 50,000 accounts") {
            let id = self.account(index).id();
            let events = self.events(index);
            let mut of_day: BTreeMap<(&str, i64), Vec<&Event>> = BTreeMap::new();
            for event in events.iter().rev() {
                of_day.entry((event.region, event.time.div_euclid(DAY))).or_default().push(event);
            }
            for ((region, day), events) in of_day {
                let date = iso8601(day * DAY);
                let path = folder.join(format!(
                    "AWSLogs/{ORGANIZATION_ID}/{id}/CloudTrail/{region}/{}",
                    date[..10].replace('-', "/")
                ));
                fs::create_dir_all(&path)?;
                let stamp = date[..10].replace('-', "");
                let unique = mix(u64::from(index) ^ mix(day.cast_unsigned()));
                let name = format!("{id}_CloudTrail_{region}_{stamp}T2355Z_{unique:016x}.json.gz");
                write(&path.join(name), &events)?;
                files += 1;
            }
        }
        Ok(files)
    }
}

fn write(path: &Path, events: &[&Event]) -> io::Result<()> {
    let mut out = GzEncoder::new(File::create(path)?, Compression::fast());
    out.write_all(b"{\"Records\":[")?;
    for (number, event) in events.iter().enumerate() {
        if number > 0 {
            out.write_all(b",")?;
        }
        out.write_all(event.json.as_bytes())?;
    }
    out.write_all(b"]}")?;
    out.finish()?;
    Ok(())
}
