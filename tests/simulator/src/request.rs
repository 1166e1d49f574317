//! Parses requests: the service, the operation and the parameters.

use hyper::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::network::Service;

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident => $service:ident,)*) => {
        /// Every operation that the simulator answers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Operation {
            $($(#[$doc])* $name,)*
        }

        impl Operation {
            /// All operations, in the order of their discriminants.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The operation's name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The service to which the operation belongs.
            #[must_use]
            pub const fn service(self) -> Service {
                match self { $(Self::$name => Service::$service,)* }
            }

            fn find(service: Service, name: &str) -> Option<Self> {
                match (service, name) {
                    $((Service::$service, stringify!($name)) => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

operations! {
    /// `organizations:DescribeOrganization`.
    DescribeOrganization => Organizations,
    /// `organizations:DescribeAccount`.
    DescribeAccount => Organizations,
    /// `organizations:DescribeOrganizationalUnit`.
    DescribeOrganizationalUnit => Organizations,
    /// `organizations:DescribePolicy`.
    DescribePolicy => Organizations,
    /// `organizations:ListAccounts`.
    ListAccounts => Organizations,
    /// `organizations:ListAccountsForParent`.
    ListAccountsForParent => Organizations,
    /// `organizations:ListDelegatedAdministrators`.
    ListDelegatedAdministrators => Organizations,
    /// `organizations:ListOrganizationalUnitsForParent`.
    ListOrganizationalUnitsForParent => Organizations,
    /// `organizations:ListParents`.
    ListParents => Organizations,
    /// `organizations:ListRoots`.
    ListRoots => Organizations,
    /// `organizations:ListTagsForResource`.
    ListTagsForResource => Organizations,
    /// `sts:AssumeRole`.
    AssumeRole => Sts,
    /// `sts:AssumeRoleWithWebIdentity`, which is not signed.
    AssumeRoleWithWebIdentity => Sts,
    /// `sts:AssumeRoot`.
    AssumeRoot => Sts,
    /// `sts:GetCallerIdentity`.
    GetCallerIdentity => Sts,
    /// `sts:GetSessionToken`.
    GetSessionToken => Sts,
    /// `iam:GetAccountSummary`.
    GetAccountSummary => Iam,
    /// `iam:ListOrganizationsFeatures`.
    ListOrganizationsFeatures => Iam,
    /// `iam:SimulatePrincipalPolicy`.
    SimulatePrincipalPolicy => Iam,
    /// `iam:SetSecurityTokenServicePreferences`.
    SetSecurityTokenServicePreferences => Iam,
    /// `GetRequestAuthorizationDetails` of IAM Access Troubleshooter.
    GetRequestAuthorizationDetails => IamToolbox,
    /// `cloudtrail:LookupEvents`.
    LookupEvents => CloudTrail,
    /// `account:ListRegions`.
    ListRegions => Account,
}

/// The parameter in the path of `GetRequestAuthorizationDetails`.
pub(crate) const AUTHORIZATION_ID: &str = "authorizationId";

/// A request as the services see it.
#[derive(Debug)]
pub(crate) struct Call {
    pub service: Service,
    /// `None` if the service has no such operation.
    pub operation: Option<Operation>,
    pub params: Params,
}

#[derive(Debug)]
pub(crate) enum Params {
    Form(Vec<(String, String)>),
    Json(Value),
}

impl Params {
    /// Returns a text parameter of either protocol. An empty parameter counts as given.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self {
            Self::Form(pairs) => pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()),
            Self::Json(value) => value.get(name)?.as_str(),
        }
    }

    /// Returns the members of a list in a form, in order.
    pub fn members(&self, name: &str) -> Vec<&str> {
        (1..).map_while(|number| self.text(&format!("{name}.member.{number}"))).collect()
    }

    /// Returns a number parameter, or the text if it is not a number.
    pub fn number(&self, name: &str) -> Option<Result<i64, String>> {
        match self {
            Self::Form(_) => self.text(name).map(|text| text.parse().map_err(|_| text.to_owned())),
            Self::Json(value) => value
                .get(name)
                .filter(|value| !value.is_null())
                .map(|value| value.as_i64().ok_or_else(|| value.to_string())),
        }
    }
}

impl Call {
    /// Parses a request. Returns `None` if it is not a request of one of the services.
    pub fn parse(method: &str, path: &str, query: &str, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        if path == "/listRegions" {
            let params = Params::Json(serde_json::from_slice(body).ok()?);
            return Some(Self { service: Service::Account, operation: Some(Operation::ListRegions), params });
        }
        match path.strip_prefix("/authorization-details/") {
            Some(id) if method == "GET" => {
                let mut pairs = vec![(AUTHORIZATION_ID.to_owned(), id.to_owned())];
                pairs.extend(form_urlencoded::parse(query.as_bytes()).into_owned());
                let operation = Some(Operation::GetRequestAuthorizationDetails);
                Some(Self { service: Service::IamToolbox, operation, params: Params::Form(pairs) })
            }
            _ => Self::read(headers, body),
        }
    }

    /// Parses headers and body of a request with the path `/`.
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        if let Some(target) = headers.get("x-amz-target") {
            let (service, name) = match target.to_str().ok()?.split_once('.')? {
                ("AWSOrganizationsV20161128", name) => (Service::Organizations, name),
                ("CloudTrail_20131101", name) => (Service::CloudTrail, name),
                _ => return None,
            };
            return Some(Self {
                service,
                operation: Operation::find(service, name),
                params: Params::Json(serde_json::from_slice(body).ok()?),
            });
        }
        let pairs: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        let find = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let service = match find("Version")? {
            "2011-06-15" => Service::Sts,
            "2010-05-08" => Service::Iam,
            _ => return None,
        };
        let operation = Operation::find(service, find("Action")?);
        Some(Self { service, operation, params: Params::Form(pairs) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocols_are_distinguished() {
        let call = Call::read(&HeaderMap::new(), b"Action=GetAccountSummary&Version=2010-05-08").unwrap();
        assert_eq!(call.operation, Some(Operation::GetAccountSummary));
        let call = Call::read(&HeaderMap::new(), b"Action=GetAccountSummary&Version=2011-06-15").unwrap();
        assert_eq!((call.service, call.operation), (Service::Sts, None));
        let headers = HeaderMap::from_iter([(
            "x-amz-target".parse().unwrap(),
            "AWSOrganizationsV20161128.ListAccounts".parse().unwrap(),
        )]);
        let call = Call::read(&headers, br#"{"MaxResults":3}"#).unwrap();
        assert_eq!(call.operation, Some(Operation::ListAccounts));
        assert_eq!(call.params.number("MaxResults"), Some(Ok(3)));
        assert!(Call::read(&HeaderMap::new(), b"hello").is_none());
        let call = Call::parse("POST", "/listRegions", "", &HeaderMap::new(), b"{}").unwrap();
        assert_eq!((call.service, call.operation), (Service::Account, Some(Operation::ListRegions)));
        let headers = HeaderMap::from_iter([(
            "x-amz-target".parse().unwrap(),
            "CloudTrail_20131101.LookupEvents".parse().unwrap(),
        )]);
        assert_eq!(Call::read(&headers, b"{}").unwrap().operation, Some(Operation::LookupEvents));
    }

    #[test]
    fn form_values_are_decoded() {
        let call =
            Call::read(&HeaderMap::new(), b"Action=AssumeRole&Version=2011-06-15&Policy=%7B%22a%22%3A1%7D&X=a+b")
                .unwrap();
        assert_eq!(call.params.text("Policy"), Some(r#"{"a":1}"#));
        assert_eq!(call.params.text("X"), Some("a b"));
    }
}
