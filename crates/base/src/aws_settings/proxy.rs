//! Chooses the proxy for a URL from the variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, as botocore does.
//!
//! botocore 1.43 reads the variables with Python's `urllib.request.getproxies_environment` (`utils.get_environ_proxies`), which
//! does not know `ALL_PROXY`. botocore then adds a missing scheme to a URL (`httpsession.ProxyConfiguration`).

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;

use super::python::is_space;

/// A proxy of the environment. Its URL may contain a password, so this type does not implement `Debug`.
#[derive(Clone)]
pub struct Proxy {
    /// The variable that names the proxy.
    pub variable: String,
    /// The proxy's URL, which starts with `http:` or `https:`. Nothing else in the URL is checked.
    pub url: String,
}

/// The proxies of the environment.
#[derive(Clone, Default)]
pub struct Proxies {
    by_scheme: HashMap<String, Proxy>,
    /// The value of `NO_PROXY`.
    bypassed: Option<String>,
}

impl Proxies {
    /// Reads the variables of a process, in the order in which the process has them. The names may be in upper or lower case. A
    /// name that ends in `_proxy` in lower case takes precedence.
    pub fn from_variables(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        // If a name occurs twice, the first value counts, as in Python.
        let mut names = HashSet::new();
        let variables: Vec<(String, String)> = variables
            .into_iter()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .filter(|(name, _)| names.insert(name.clone()))
            .collect();
        let proxy = |variable: &str, url: &str| Proxy { variable: variable.to_owned(), url: url.to_owned() };
        let mut found: HashMap<String, Proxy> = HashMap::new();
        for (name, value) in variables.iter().filter(|(_, value)| !value.is_empty()) {
            if let Some(scheme) = name.to_lowercase().strip_suffix("_proxy") {
                found.insert(scheme.to_owned(), proxy(name, value));
            }
        }
        // In a CGI program, which has `REQUEST_METHOD`, the web server puts the request's header `Proxy` into `HTTP_PROXY`, so
        // the variable is ignored.
        if variables.iter().any(|(name, _)| name == "REQUEST_METHOD") {
            found.remove("http");
        }
        for (name, value) in &variables {
            let Some(scheme) = name.strip_suffix("_proxy").map(str::to_lowercase) else { continue };
            if value.is_empty() {
                found.remove(&scheme);
            } else {
                found.insert(scheme, proxy(name, value));
            }
        }
        let bypassed = found.remove("no").map(|proxy| proxy.url);
        for proxy in found.values_mut() {
            proxy.url = completed(&proxy.url);
        }
        Self { by_scheme: found, bypassed }
    }

    /// Returns the proxy through which a request to this URL goes.
    pub fn for_url(&self, url: &str) -> Option<&Proxy> {
        let (scheme, rest) = url.split_once("://")?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        self.for_scheme(&scheme.to_lowercase()).filter(|_| !self.is_bypassed(host))
    }

    /// Returns the proxy for URLs with this scheme. Does not check whether the host of a URL is in `NO_PROXY`.
    pub fn for_scheme(&self, scheme: &str) -> Option<&Proxy> {
        self.by_scheme.get(scheme)
    }

    /// Whether `NO_PROXY` contains this host or a domain above it. The host may have a port. A network in `NO_PROXY`, such as
    /// `10.0.0.0/8`, matches no host.
    fn is_bypassed(&self, host: &str) -> bool {
        let Some(bypassed) = &self.bypassed else { return false };
        if bypassed == "*" {
            return true;
        }
        let host = host.to_lowercase();
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        let without_port = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(&*host, |(name, _)| name);
        bypassed.split(',').map(|name| name.trim_matches(is_space)).filter(|name| !name.is_empty()).any(|name| {
            let name = name.trim_start_matches('.').to_lowercase();
            let is_in =
                |host: &str| host.strip_suffix(&*name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
            is_in(&host) || is_in(without_port)
        })
    }
}

/// Returns the value of a variable as a URL. The value may lack the scheme, and a scheme counts only in lower case.
fn completed(value: &str) -> String {
    if value.starts_with("http:") || value.starts_with("https:") {
        value.to_owned()
    } else if value.starts_with("//") {
        format!("http:{value}")
    } else {
        format!("http://{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_is_chosen_as_in_botocore() {
        let iam = "https://iam.amazonaws.com/";
        for (variables, url, expected) in [
            (&[("HTTPS_PROXY", "http://p:1")][..], iam, Some("HTTPS_PROXY http://p:1")),
            (&[("https_proxy", "low"), ("HTTPS_PROXY", "up")], iam, Some("https_proxy http://low")),
            (&[("HTTPS_PROXY", "up"), ("https_proxy", "")], iam, None),
            (&[("ALL_PROXY", "p"), ("HTTP_PROXY", "p")], iam, None),
            (&[("HTTP_PROXY", "//p:1")], "http://localhost:4566", Some("HTTP_PROXY http://p:1")),
            (&[("HTTP_PROXY", "p"), ("REQUEST_METHOD", "")], "http://localhost", None),
            (&[("http_proxy", "p"), ("REQUEST_METHOD", "")], "http://localhost", Some("http_proxy http://p")),
            (&[("https_proxy", "p"), ("NO_PROXY", "*")], iam, None),
            (&[("https_proxy", "p"), ("NO_PROXY", " * ")], iam, Some("https_proxy http://p")),
            (&[("https_proxy", "p"), ("NO_PROXY", "x, ..AMAZONAWS.com")], iam, None),
            (&[("https_proxy", "p"), ("NO_PROXY", "aws.com,am.amazonaws.com")], iam, Some("https_proxy http://p")),
            (&[("https_proxy", "p"), ("no_proxy", "localhost:1")], "https://localhost:1/x", None),
            (&[("https_proxy", "p"), ("no_proxy", "localhost")], "https://localhost:1?x", None),
            (&[("https_proxy", "p"), ("no_proxy", "127.0.0.0/8")], "https://127.0.0.1", Some("https_proxy http://p")),
        ] {
            let set = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
            let proxies = Proxies::from_variables(set);
            let proxy = proxies.for_url(url).map(|proxy| format!("{} {}", proxy.variable, proxy.url));
            assert_eq!(proxy.as_deref(), expected, "{variables:?} {url}");
        }
    }
}
