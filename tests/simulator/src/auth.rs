//! Authentication: finds the principal of a request and verifies its signature.

use crate::answer::ApiError;
use crate::clock;
use crate::credentials::{BadKey, Identity, Principal};
use crate::network::Service;
use crate::sigv4::{self, Authorization, Signable};
use crate::world::{Settings, World};

/// Returns how far a request's date can be from the service's clock, in minutes. The services' messages contain this number.
const fn tolerance(service: Service) -> i64 {
    match service {
        Service::Organizations | Service::CloudTrail | Service::Account => 5,
        Service::Sts | Service::Iam | Service::IamToolbox => 15,
    }
}

/// An authenticated caller.
#[derive(Debug)]
pub(crate) struct Authenticated {
    pub principal: Principal,
    pub access_key: String,
    /// The region for which the request was signed.
    pub region: String,
}

impl World {
    /// Returns the sender of a request. Without verification, only the access key id counts, and the sender of an unsigned
    /// request is the operator.
    pub(crate) fn authenticate(
        &mut self,
        service: Service,
        signable: &Signable<'_>,
    ) -> Result<Authenticated, ApiError> {
        let header = |name: &str| signable.headers.get(name).and_then(|value| value.to_str().ok());
        let authorization = header("authorization");
        if !self.settings.verify {
            let Some(authorization) = authorization.and_then(Authorization::parse) else {
                return Ok(Authenticated {
                    principal: self.vault.operator(),
                    access_key: String::new(),
                    region: self.settings.sts_regions[0].clone(),
                });
            };
            let principal =
                self.vault.principal(authorization.access_key, self.now()).map_err(|bad| bad_key(service, bad))?;
            return Ok(authenticated(principal, &authorization));
        }
        let Some(authorization) = authorization else { return Err(missing(service)) };
        let authorization = Authorization::parse(authorization).ok_or_else(|| incomplete(service))?;
        let amz_date = header("x-amz-date").ok_or_else(|| incomplete(service))?;
        let principal =
            self.vault.principal(authorization.access_key, self.now()).map_err(|bad| bad_key(service, bad))?;
        self.count_region(service, authorization.region);
        self.check_scope(service, &authorization)?;
        self.check_date(service, amz_date, authorization.date)?;
        if !authorization.signed_headers.split(';').any(|name| name == "host") {
            return Err(mismatch(service, "'Host' must be a 'SignedHeader' in the AWS Authorization.".to_owned()));
        }
        let key = self.vault.signing_key(&authorization);
        if sigv4::signature(&key, &authorization, amz_date, signable).as_deref() != Some(authorization.signature) {
            return Err(mismatch(
                service,
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.".to_owned(),
            ));
        }
        self.vault
            .check_token(authorization.access_key, header("x-amz-security-token"))
            .map_err(|bad| bad_key(service, bad))?;
        self.check_reach(&principal, service, authorization.region)?;
        Ok(authenticated(principal, &authorization))
    }

    /// Returns the sender of a request that needs no signature.
    pub(crate) fn anonymous(&self) -> Authenticated {
        Authenticated {
            principal: Principal { identity: Identity::Anonymous, ..self.vault.operator() },
            access_key: String::new(),
            region: self.settings.sts_regions[0].clone(),
        }
    }

    fn count_region(&mut self, service: Service, region: &str) {
        let regions = self.signing_regions.entry(service).or_default();
        match regions.get_mut(region) {
            Some(count) => *count += 1,
            None => {
                regions.insert(region.to_owned(), 1);
            }
        }
    }

    fn check_scope(&self, service: Service, authorization: &Authorization<'_>) -> Result<(), ApiError> {
        if authorization.service != service.signing_name() {
            return Err(mismatch(
                service,
                format!("Credential should be scoped to correct service: '{}'. ", service.signing_name()),
            ));
        }
        let Settings { partition, sts_regions, strict_signing_regions, .. } = &self.settings;
        let of_the_run = || sts_regions.iter().any(|region| region == authorization.region);
        let right = match service {
            Service::Sts => of_the_run() || self.settings.is_sts_elsewhere(authorization.region),
            Service::Organizations | Service::Account => {
                authorization.region == partition.organizations_region || (!strict_signing_regions && of_the_run())
            }
            // The event history is regional, and the Region of the global STS endpoint is the one that matters.
            Service::CloudTrail => authorization.region == partition.iam_region || of_the_run(),
            Service::Iam | Service::IamToolbox => {
                authorization.region == partition.iam_region || (!strict_signing_regions && of_the_run())
            }
        };
        if right {
            Ok(())
        } else {
            Err(mismatch(service, "Credential should be scoped to a valid region. ".to_owned()))
        }
    }

    fn check_date(&self, service: Service, amz_date: &str, scope_date: &str) -> Result<(), ApiError> {
        let signed_at = clock::parse_amz_date(amz_date).ok_or_else(|| incomplete(service))?;
        if !amz_date.starts_with(scope_date) {
            return Err(mismatch(
                service,
                format!(
                    "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope_date}' != '{amz_date}'."
                ),
            ));
        }
        let now = self.epoch();
        let minutes = tolerance(service);
        let [earliest, now_text, latest] = [-minutes, 0, minutes].map(|offset| clock::amz_date(now + offset * 60));
        if signed_at < now - minutes * 60 {
            return Err(mismatch(
                service,
                format!("Signature expired: {amz_date} is now earlier than {earliest} ({now_text} - {minutes} min.)"),
            ));
        }
        if signed_at > now + minutes * 60 {
            return Err(mismatch(
                service,
                format!(
                    "Signature not yet current: {amz_date} is still later than {latest} ({now_text} + {minutes} min.)"
                ),
            ));
        }
        Ok(())
    }
}

fn authenticated(principal: Principal, authorization: &Authorization<'_>) -> Authenticated {
    Authenticated {
        principal,
        access_key: authorization.access_key.to_owned(),
        region: authorization.region.to_owned(),
    }
}

/// Returns the error of the service's protocol, because the JSON protocol and the query protocol have different codes.
fn named(service: Service, query: (u16, &'static str), json: &'static str, message: String) -> ApiError {
    match service {
        Service::Organizations | Service::CloudTrail => ApiError::new(400, json, message),
        Service::IamToolbox | Service::Account => ApiError::new(403, json, message),
        Service::Sts | Service::Iam => ApiError::new(query.0, query.1, message),
    }
}

fn missing(service: Service) -> ApiError {
    named(
        service,
        (403, "MissingAuthenticationToken"),
        "MissingAuthenticationTokenException",
        "Request is missing Authentication Token".to_owned(),
    )
}

fn incomplete(service: Service) -> ApiError {
    named(service, (400, "IncompleteSignature"), "IncompleteSignatureException", "Authorization header requires 'Credential', 'Signature' and 'SignedHeaders' parameters and a valid 'X-Amz-Date'.".to_owned())
}

fn mismatch(service: Service, message: String) -> ApiError {
    named(service, (403, "SignatureDoesNotMatch"), "InvalidSignatureException", message)
}

fn bad_key(service: Service, bad: BadKey) -> ApiError {
    match bad {
        BadKey::Expired => ApiError::expired(service),
        BadKey::Unknown | BadKey::Token => named(
            service,
            (403, "InvalidClientTokenId"),
            "UnrecognizedClientException",
            "The security token included in the request is invalid.".to_owned(),
        ),
    }
}
