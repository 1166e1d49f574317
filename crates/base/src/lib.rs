//! The parts of v2token that make no call to AWS. Its interface is not stable. Each module uses only the modules below it in this table:
//!
//! | module | what is in it |
//! |---|---|
//! | `aws_settings` | what the `AWS_*` variables and the files in `~/.aws` say, read as botocore reads them |
//! | `event_files` | CloudTrail's events in files, folders, and stdin, read in bounded memory |
//! | `impact` | what CloudTrail's events say about who uses the global endpoint, and the verdict on each account |
//! | `org` | accounts and their selection, OUs, roles, Regions and token versions |
//! | `jmespath` | the queries of JMESPath, with the results of Python's library |
//! | `python` | JSON values as Python converts and prints them |
//! | `interner`, `timestamp`, `serde_text`, `text_enum`, `suggest`, `directory`, `file_ownership`, `ignored_signals`, `system_limits`, `humanize`, `sanitize`, `secret` | small helpers for all other modules |

pub mod aws_settings;
pub mod directory;
pub mod event_files;
pub mod file_ownership;
pub mod humanize;
pub mod ignored_signals;
pub mod impact;
pub mod interner;
pub mod jmespath;
pub mod org;
pub mod python;
pub mod sanitize;
pub mod secret;
pub mod serde_text;
pub mod suggest;
pub mod system_limits;
pub mod text_enum;
pub mod timestamp;
