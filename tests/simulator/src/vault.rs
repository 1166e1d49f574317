//! The store of credentials: the operator's credentials, and the sessions that STS issues. The store is small enough for 50,000
//! sessions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::credentials::{BadKey, Credentials, Identity, Login, Principal, Session};
use crate::secrets::{secret, token};
use crate::sigv4;
use crate::token_size::V2_SIZE;
use crate::version::TokenVersion;

const BASE_PREFIX: &str = "AKIASIMBASE";
const BASE_SESSION_PREFIX: &str = "ASIASIMBASE";
const SESSION_PREFIX: &str = "ASIASIM";

/// All credentials of the organization.
#[derive(Debug)]
pub(crate) struct Vault {
    seed: u64,
    account: u32,
    /// Whether the operator is the root user of the account.
    pub root_user: bool,
    with_token: bool,
    /// One entry per generation of the operator's credentials.
    generations: Vec<Generation>,
    expires_after_assumes: Option<u64>,
    assumes: u64,
    sessions: Vec<Session>,
    /// A test ended the sessions below this index.
    first_valid: usize,
    texts: HashMap<Box<str>, Arc<str>>,
    keys: Vec<(u32, String, [u8; 32])>,
}

/// One set of the operator's credentials.
#[derive(Clone, Copy, Debug, Default)]
struct Generation {
    ended: bool,
    /// When the credentials expire; `None` if they do not expire.
    expires: Option<Duration>,
}

impl Generation {
    fn expired(self, now: Duration) -> bool {
        self.ended || self.expires.is_some_and(|expires| expires <= now)
    }
}

impl Vault {
    pub fn new(seed: u64, account: u32, with_token: bool, expires_after_assumes: Option<u64>) -> Self {
        Self {
            seed,
            account,
            root_user: false,
            with_token,
            generations: vec![Generation::default()],
            expires_after_assumes,
            assumes: 0,
            sessions: Vec::new(),
            first_valid: 0,
            texts: HashMap::new(),
            keys: Vec::new(),
        }
    }

    /// Returns the newest credentials of the operator.
    pub fn base(&self) -> Credentials {
        let with_token = self.with_token || self.newest().expires.is_some();
        let generation = self.generations.len() - 1;
        let prefix = if with_token { BASE_SESSION_PREFIX } else { BASE_PREFIX };
        Credentials {
            access_key_id: format!("{prefix}{generation:09}"),
            secret_access_key: secret(self.seed ^ 0xba5e, generation as u64),
            session_token: with_token.then(|| token(self.seed ^ 0xba5e, generation as u64, V2_SIZE)),
        }
    }

    pub fn expire_base(&mut self) {
        for generation in &mut self.generations {
            generation.ended = true;
        }
    }

    /// Makes new credentials for the operator. Older credentials stay valid.
    pub fn renew_base(&mut self, expires: Option<Duration>) -> Credentials {
        self.generations.push(Generation { ended: false, expires });
        self.base()
    }

    pub fn base_expired(&self, now: Duration) -> bool {
        self.newest().expired(now)
    }

    fn newest(&self) -> &Generation {
        self.generations.last().expect("the first generation exists from the start")
    }

    pub fn expire_base_after(&mut self, assumes: Option<u64>) {
        self.expires_after_assumes = assumes;
        self.assumes = 0;
    }

    /// Counts a successful `AssumeRole` or `AssumeRoot`, and expires the base credentials when the limit is reached.
    pub fn count_assume(&mut self) {
        self.assumes += 1;
        if self.expires_after_assumes.is_some_and(|limit| self.assumes >= limit) {
            self.expires_after_assumes = None;
            self.expire_base();
        }
    }

    pub fn expire_sessions(&mut self) {
        self.first_valid = self.sessions.len();
    }

    pub fn issue(&mut self, session: Session) -> Credentials {
        let index = self.sessions.len();
        let length = usize::from(session.token_length);
        self.sessions.push(session);
        Credentials {
            access_key_id: format!("{SESSION_PREFIX}{index:013}"),
            secret_access_key: secret(self.seed, index as u64),
            session_token: Some(token(self.seed, index as u64, length)),
        }
    }

    /// Returns one shared copy of a text that many sessions have in common.
    pub fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.texts.get(text) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = text.into();
        // The number of texts is limited, because a client can make every session name unique.
        if self.texts.len() < 1_024 {
            self.texts.insert(text.into(), Arc::clone(&shared));
        }
        shared
    }

    /// Returns the principal of an access key. Does not check the token.
    pub fn principal(&self, access_key: &str, now: Duration) -> Result<Principal, BadKey> {
        if let Some(generation) = base_generation(access_key) {
            return match self.generations.get(generation) {
                None => Err(BadKey::Unknown),
                Some(generation) if generation.expired(now) => Err(BadKey::Expired),
                Some(_) => Ok(self.operator_with(if access_key.starts_with(BASE_SESSION_PREFIX) {
                    Login::Elsewhere
                } else {
                    Login::Keys
                })),
            };
        }
        let index = session_index(access_key).ok_or(BadKey::Unknown)?;
        let session = self.sessions.get(index).ok_or(BadKey::Unknown)?;
        if index < self.first_valid || session.expires <= now {
            return Err(BadKey::Expired);
        }
        Ok(session.principal.clone())
    }

    /// Returns the operator with the kind of credentials that it had at the start.
    pub fn operator(&self) -> Principal {
        self.operator_with(if self.with_token { Login::Elsewhere } else { Login::Keys })
    }

    fn operator_with(&self, login: Login) -> Principal {
        Principal {
            account: self.account,
            identity: if self.root_user { Identity::Root } else { Identity::Operator(login) },
            policy: None,
            mfa: false,
            source_identity: None,
            token: TokenVersion::V2,
        }
    }

    /// Checks that the token belongs to the key.
    pub fn check_token(&self, access_key: &str, given: Option<&str>) -> Result<(), BadKey> {
        let expected = match base_generation(access_key) {
            Some(generation) => access_key
                .starts_with(BASE_SESSION_PREFIX)
                .then(|| token(self.seed ^ 0xba5e, generation as u64, V2_SIZE)),
            None => session_index(access_key).and_then(|index| {
                let session = self.sessions.get(index)?;
                Some(token(self.seed, index as u64, usize::from(session.token_length)))
            }),
        };
        if expected.as_deref() == given { Ok(()) } else { Err(BadKey::Token) }
    }

    /// Returns the signing key of an access key. The operator's keys are cached, because they sign most requests.
    pub fn signing_key(&mut self, authorization: &sigv4::Authorization<'_>) -> [u8; 32] {
        let derive =
            |secret: &str| sigv4::signing_key(secret, authorization.date, authorization.region, authorization.service);
        let Some(generation) = base_generation(authorization.access_key) else {
            let index = session_index(authorization.access_key).unwrap_or_default();
            return derive(&secret(self.seed, index as u64));
        };
        let generation_number = u32::try_from(generation).unwrap_or(u32::MAX);
        let scope = format!("{}/{}/{}", authorization.date, authorization.region, authorization.service);
        if let Some((_, _, key)) =
            self.keys.iter().find(|(known, text, _)| *known == generation_number && *text == scope)
        {
            return *key;
        }
        let key = derive(&secret(self.seed ^ 0xba5e, generation as u64));
        self.keys.push((generation_number, scope, key));
        key
    }
}

fn base_generation(access_key: &str) -> Option<usize> {
    access_key.strip_prefix(BASE_PREFIX).or_else(|| access_key.strip_prefix(BASE_SESSION_PREFIX))?.parse().ok()
}

fn session_index(access_key: &str) -> Option<usize> {
    access_key.strip_prefix(SESSION_PREFIX)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::SECRET_MARKER;

    fn root() -> Principal {
        Principal {
            account: 3,
            identity: Identity::Root,
            policy: None,
            mfa: false,
            source_identity: None,
            token: TokenVersion::V2,
        }
    }

    #[test]
    fn every_secret_is_recognisable_and_distinct() {
        let mut vault = Vault::new(7, 0, true, None);
        let session = || Session { principal: root(), expires: Duration::from_secs(900), token_length: 752 };
        let all = [vault.base(), vault.issue(session()), vault.issue(session())];
        for credentials in &all {
            let token = credentials.session_token.as_deref().unwrap();
            assert!(credentials.secret_access_key.starts_with(SECRET_MARKER) && token.starts_with(SECRET_MARKER));
            assert_eq!(
                (credentials.access_key_id.len(), credentials.secret_access_key.len(), token.len()),
                (20, 40, V2_SIZE)
            );
            assert!(vault.check_token(&credentials.access_key_id, Some(token)).is_ok());
            assert_eq!(vault.check_token(&credentials.access_key_id, None), Err(BadKey::Token));
        }
        assert_ne!(all[1].secret_access_key, all[2].secret_access_key);
        assert_ne!(all[1].session_token, all[2].session_token);
    }

    #[test]
    fn sessions_end_by_time_and_on_demand() {
        let mut vault = Vault::new(7, 0, false, Some(1));
        let issued = vault.issue(Session { principal: root(), expires: Duration::from_secs(900), token_length: 752 });
        assert_eq!(vault.principal(&issued.access_key_id, Duration::from_secs(899)).unwrap().account, 3);
        assert_eq!(vault.principal(&issued.access_key_id, Duration::from_secs(900)).unwrap_err(), BadKey::Expired);
        vault.expire_sessions();
        assert_eq!(vault.principal(&issued.access_key_id, Duration::ZERO).unwrap_err(), BadKey::Expired);
        let base = vault.base();
        vault.count_assume();
        assert_eq!(vault.principal(&base.access_key_id, Duration::ZERO).unwrap_err(), BadKey::Expired);
        let renewed = vault.renew_base(None);
        assert!(vault.principal(&renewed.access_key_id, Duration::ZERO).is_ok());
        let short = vault.renew_base(Some(Duration::from_secs(5)));
        assert!(
            short.session_token.is_some()
                && vault.check_token(&short.access_key_id, short.session_token.as_deref()).is_ok()
        );
        assert!(vault.principal(&short.access_key_id, Duration::from_secs(4)).is_ok());
        assert_eq!(vault.principal(&short.access_key_id, Duration::from_secs(5)).unwrap_err(), BadKey::Expired);
        assert_eq!(vault.principal("AKIAIOSFODNN7EXAMPLE", Duration::ZERO).unwrap_err(), BadKey::Unknown);
    }
}
