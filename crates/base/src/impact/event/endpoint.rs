//! Which endpoint of STS an event says that was called.

use super::raw::RawEvent;

/// The endpoint that a call was sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Global,
    Regional,
    /// The event does not say.
    Unknown,
}

/// Returns the endpoint that was called.
///
/// `endpointType` is in events since early 2025. Before, the name of the host says it. Calls of the global endpoint are logged in
/// us-east-1 only, or as `global` in older records (CloudTrail user guide; AWS Security Blog, "Announcing upcoming changes to the AWS
/// STS global endpoint").
pub(super) fn endpoint(raw: &RawEvent) -> Endpoint {
    let kind = raw.endpoint_type().map(str::to_ascii_lowercase);
    match kind.as_deref() {
        Some("global") => return Endpoint::Global,
        Some("regional") => return Endpoint::Regional,
        _ => {}
    }
    let by_region = match raw.aws_region.as_deref() {
        Some(region) if region.eq_ignore_ascii_case("global") => Endpoint::Global,
        Some(region) if region.is_empty() || region.eq_ignore_ascii_case("us-east-1") => Endpoint::Unknown,
        Some(_) => Endpoint::Regional,
        None => Endpoint::Unknown,
    };
    match raw.host().map(by_host) {
        Some(endpoint) if endpoint != Endpoint::Unknown => endpoint,
        _ => by_region,
    }
}

/// Returns the endpoint that a host header names.
fn by_host(host: &str) -> Endpoint {
    let host = host.trim().trim_end_matches('.').to_ascii_lowercase();
    let host = host.split_once(':').map_or(host.as_str(), |(host, _)| host);
    if host == "sts.amazonaws.com" || host.starts_with("sts-global.") {
        return Endpoint::Global;
    }
    // Such as sts.eu-west-1.amazonaws.com, sts-fips.us-east-1.amazonaws.com, sts.us-east-1.api.aws, and the names of VPC endpoints,
    // such as vpce-0a1b.sts.us-east-1.vpce.amazonaws.com. STS has no VPC endpoint for the global endpoint.
    let mut labels = host.split('.');
    let names_region = labels
        .clone()
        .any(|label| label.split('-').count() >= 3 && label.ends_with(|last: char| last.is_ascii_digit()));
    let is_of_aws =
        host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") || host.ends_with(".api.aws");
    let is_sts = labels.any(|label| ["sts", "sts-fips"].contains(&label));
    if is_sts && names_region && is_of_aws { Endpoint::Regional } else { Endpoint::Unknown }
}
