//! A small signing HTTP client.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::HeaderMap;
use serde_json::{Value, json};

use crate::sigv4::{self, Authorization, Signable};
use crate::{Credentials, Organization};

pub(super) const SET_V2: &str =
    "Action=SetSecurityTokenServicePreferences&Version=2010-05-08&GlobalEndpointTokenVersion=v2Token";
pub(super) const READ: &str = "Action=GetAccountSummary&Version=2010-05-08";

/// An answer, or `None` if the connection ended before the answer was complete.
pub(super) type Answered = Option<(u16, String)>;

pub(super) struct Client {
    pub(super) address: String,
    pub(super) keys: Credentials,
}

impl Client {
    pub(super) fn new(organization: &Organization) -> Self {
        let address = organization.endpoint().replace("http://", "");
        Self { address, keys: organization.control(|world| world.base_credentials()) }
    }

    pub(super) fn send(&self, service: &str, region: &str, target: Option<&str>, body: &str) -> Answered {
        self.send_to("/", service, region, target, body)
    }

    pub(super) fn send_to(
        &self,
        path: &str,
        service: &str,
        region: &str,
        target: Option<&str>,
        body: &str,
    ) -> Answered {
        let mut headers = self.sign(service, region, ("POST", path, body));
        if let Some(target) = target {
            let prefix = if service == "cloudtrail" { "CloudTrail_20131101" } else { "AWSOrganizationsV20161128" };
            headers.insert("x-amz-target", format!("{prefix}.{target}").parse().unwrap());
        }
        self.exchange("POST", path, &headers, body)
    }

    /// Sends a request without a body. Returns the status, the head, and the body of the answer.
    pub(super) fn get(&self, service: &str, region: &str, path: &str) -> Option<(u16, String, String)> {
        let headers = self.sign(service, region, ("GET", path, ""));
        self.exchange_with_head("GET", path, &headers, "")
    }

    fn sign(&self, service: &str, region: &str, (method, path, body): (&str, &str, &str)) -> HeaderMap {
        let now = crate::clock::iso8601(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64)
            .replace(['-', ':'], "");
        let mut headers = HeaderMap::new();
        headers.insert("host", self.address.parse().unwrap());
        headers.insert("x-amz-date", now.parse().unwrap());
        let mut signed = "host;x-amz-date".to_owned();
        if let Some(token) = &self.keys.session_token {
            headers.insert("x-amz-security-token", token.parse().unwrap());
            signed.push_str(";x-amz-security-token");
        }
        let unsigned = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}/{region}/{service}/aws4_request, SignedHeaders={signed}, Signature=",
            self.keys.access_key_id,
            &now[..8]
        );
        let authorization = Authorization::parse(&unsigned).unwrap();
        let key = sigv4::signing_key(&self.keys.secret_access_key, &now[..8], region, service);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let signable = Signable { method, path, query, headers: &headers, body: body.as_bytes() };
        let signature = sigv4::signature(&key, &authorization, &now, &signable).unwrap();
        headers.insert("authorization", format!("{unsigned}{signature}").parse().unwrap());
        headers
    }

    pub(super) fn exchange(&self, method: &str, path: &str, headers: &HeaderMap, body: &str) -> Answered {
        self.exchange_with_head(method, path, headers, body).map(|(status, _, body)| (status, body))
    }

    /// Like [`exchange`](Self::exchange), but also returns the head of the answer in lower case.
    pub(super) fn exchange_with_head(
        &self,
        method: &str,
        path: &str,
        headers: &HeaderMap,
        body: &str,
    ) -> Option<(u16, String, String)> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            request.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        stream.write_all(format!("{request}\r\n{body}").as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let status = line.split(' ').nth(1)?.parse().unwrap();
        let (mut length, mut head) = (0, String::new());
        loop {
            line.clear();
            reader.read_line(&mut line).ok()?;
            head.push_str(&line.to_ascii_lowercase());
            match line.trim_end().to_ascii_lowercase().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        Some((status, head, String::from_utf8(body).unwrap()))
    }

    pub(super) fn list(&self, operation: &str, parameters: &Value) -> (u16, Value) {
        let (status, body) = self.send("organizations", "us-east-1", Some(operation), &parameters.to_string()).unwrap();
        (status, serde_json::from_str(&body).unwrap())
    }

    /// Returns all pages of the account list, at most a hundred.
    pub(super) fn pages(&self) -> Vec<Vec<Value>> {
        let (mut pages, mut parameters) = (Vec::new(), json!({}));
        while pages.len() < 100 {
            let (status, page) = self.list("ListAccounts", &parameters);
            assert_eq!(status, 200, "{page}");
            pages.push(page["Accounts"].as_array().unwrap().clone());
            match page.get("NextToken") {
                Some(token) => parameters = json!({ "NextToken": token }),
                None => break,
            }
        }
        pages
    }

    pub(super) fn sts(&self, body: &str) -> Answered {
        self.send("sts", "eu-west-1", None, &format!("Version=2011-06-15&{body}"))
    }

    pub(super) fn iam(&self, body: &str) -> Answered {
        self.send("iam", "us-east-1", None, body)
    }

    pub(super) fn assume(&self, id: &str, more: &str) -> Answered {
        self.send("sts", "eu-west-1", None, &assume_body(id, more))
    }

    pub(super) fn assume_arn(&self, arn: &str, more: &str) -> Answered {
        self.sts(&format!("Action=AssumeRole&RoleArn={arn}&RoleSessionName=v2token{more}"))
    }

    /// Returns a client with a session of any role.
    pub(super) fn enter(&self, arn: &str, more: &str) -> Self {
        self.session_in(&self.assume_arn(arn, more))
    }

    /// Returns a client with a session of the default role, which the STS endpoint of this region issues.
    pub(super) fn visit_through(&self, region: &str, id: &str) -> Self {
        self.session_in(&self.send("sts", region, None, &assume_body(id, "")))
    }

    pub(super) fn visit(&self, id: &str) -> Self {
        self.visit_with(id, "")
    }

    pub(super) fn visit_with(&self, id: &str, more: &str) -> Self {
        self.session_in(&self.assume(id, more))
    }

    pub(super) fn session_in(&self, answered: &Answered) -> Self {
        let (status, body) = answered.as_ref().unwrap();
        assert_eq!(*status, 200, "{body}");
        let part = |name: &str| within(body, name).unwrap().to_owned();
        let keys = Credentials {
            access_key_id: part("AccessKeyId"),
            secret_access_key: part("SecretAccessKey"),
            session_token: Some(part("SessionToken")),
        };
        Self { address: self.address.clone(), keys }
    }

    pub(super) fn version(&self) -> Option<u8> {
        let (status, body) = self.iam(READ).unwrap();
        assert_eq!(status, 200, "{body}");
        let entry = body.split("<key>GlobalEndpointTokenVersion</key>").nth(1)?;
        within(entry, "value").map(|value| value.parse().unwrap())
    }
}

fn assume_body(id: &str, more: &str) -> String {
    format!(
        "Version=2011-06-15&Action=AssumeRole&RoleArn=arn:aws:iam::{id}:role/OrganizationAccountAccessRole&RoleSessionName=v2token{more}"
    )
}

pub(super) fn within<'a>(text: &'a str, element: &str) -> Option<&'a str> {
    text.split(&format!("<{element}>")).nth(1)?.split(&format!("</{element}>")).next()
}

pub(super) fn code(answered: &Answered) -> (u16, &str) {
    let (status, body) = answered.as_ref().expect("a complete answer");
    (*status, within(body, "Code").unwrap_or(body))
}
