//! What the `AWS_*` variables and the files in `~/.aws` say, read as botocore reads them.

pub(crate) mod ini;
pub(crate) mod proxy;
mod python;
