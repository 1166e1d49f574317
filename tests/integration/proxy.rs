//! Proxies, certificate authorities, and host names of AWS.

use v2token_simulator::{Organization, TokenVersion};

use crate::harness::Bench;
use crate::tls_proxy::TlsProxy;

/// The hosts of a run in eu-west-1: never the global STS endpoint.
const HOSTS: [&str; 3] =
    ["iam.amazonaws.com:443", "organizations.us-east-1.amazonaws.com:443", "sts.eu-west-1.amazonaws.com:443"];

/// A bench that reaches AWS only through the TLS proxy.
fn behind_a_tls_proxy(variable: &str) -> (Bench, TlsProxy, String) {
    let organization = Organization::builder().accounts(30).strict_signing_regions(true).start();
    let tls_proxy = TlsProxy::start(&organization.endpoint());
    let mut bench = Bench::new(organization);
    bench.without_env("AWS_ENDPOINT_URL").env(variable, &format!("http://{}", tls_proxy.proxy));
    let authority = tls_proxy.write_authority(bench.folder.path()).display().to_string();
    (bench, tls_proxy, authority)
}

#[test]
fn a_proxied_run_uses_the_real_hosts_and_never_the_global_sts_endpoint() {
    for (variable, option) in [("HTTPS_PROXY", true), ("HTTPS_PROXY", false), ("https_proxy", true)] {
        let (mut bench, tls_proxy, authority) = behind_a_tls_proxy(variable);
        let mut arguments = vec!["apply", "--yes", "--rate=0"];
        if option {
            arguments.extend(["--ca-bundle", &authority]);
        } else {
            bench.env("AWS_CA_BUNDLE", &authority);
        }
        let run = bench.run("run", &arguments).exits(0).agrees(TokenVersion::V2);
        assert_eq!(tls_proxy.hosts(), HOSTS, "{variable}");
        for row in run.rows().values() {
            assert_eq!(row["sts_endpoint"], "https://sts.eu-west-1.amazonaws.com", "{row:#?}");
        }
    }
}

#[test]
fn the_proxy_password_is_sent_only_to_the_proxy() {
    let (mut bench, tls_proxy, authority) = behind_a_tls_proxy("HTTPS_PROXY");
    bench.env("HTTPS_PROXY", &format!("http://operator:proxy-password@{}", tls_proxy.proxy)).env("RUST_LOG", "trace");
    let run = bench.run("run", &["plan", "--debug", "-v", "--ca-bundle", &authority]).exits(0);
    // `operator:proxy-password` in base64.
    let encoded = "b3BlcmF0b3I6cHJveHktcGFzc3dvcmQ=";
    assert_eq!(tls_proxy.authorizations(), [format!("Basic {encoded}")]);
    run.holds_no_secret("proxy-password");
    run.holds_no_secret(encoded);
}

/// A mistyped proxy must not lead to direct connections.
#[test]
fn an_invalid_proxy_is_refused() {
    let (mut bench, tls_proxy, _) = behind_a_tls_proxy("HTTPS_PROXY");
    bench.env("HTTPS_PROXY", "http://operator:proxy-password@[");
    let run = bench
        .run("run", &["plan", "--debug"])
        .exits(1)
        .attempted_nothing("HTTPS_PROXY is not the URL of an HTTP proxy");
    assert_eq!((run.all_calls(), tls_proxy.hosts().len()), (0, 0));
    run.holds_no_secret("proxy-password");
}

#[test]
fn an_untrusted_certificate_is_named_as_the_cause() {
    let (bench, _tls_proxy, _) = behind_a_tls_proxy("HTTPS_PROXY");
    let run = bench.run("run", &["apply", "--yes"]).exits(1).attempted_nothing("CertificateRefused");
    assert!(run.stderr.contains("--ca-bundle"), "{run}");
    assert_eq!(run.all_calls(), 0);
}

#[test]
fn an_unreachable_proxy_is_named_as_the_cause() {
    let (mut bench, ..) = behind_a_tls_proxy("HTTPS_PROXY");
    bench.env("HTTPS_PROXY", "http://127.0.0.1:1");
    let run = bench.run("run", &["apply", "--yes", "--max-attempts=2"]).exits(1).attempted_nothing("ConnectionFailed");
    assert!(run.stderr.contains("HTTPS_PROXY"), "{run}");
}

/// A server that gives every connection the same answer.
fn answers(answer: &'static str) -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // The client may have gone.
            let _ = answer_one(stream, answer);
        }
    });
    address
}

/// Reads the head of a request, answers, and then reads until the client closes the connection. Closing it while a part of the
/// request is unread would reset it, and a client that is reset may not see the answer.
fn answer_one(mut stream: std::net::TcpStream, answer: &str) -> std::io::Result<()> {
    use std::io::{Read as _, Write as _};
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    stream.write_all(answer.as_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    std::io::copy(&mut stream, &mut std::io::sink())?;
    Ok(())
}

#[test]
fn a_proxy_that_refuses_is_named_with_its_status_and_the_host() {
    for (answer, says, advice) in [
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
            "the proxy answered 403 for sts.eu-west-1.amazonaws.com",
            "NO_PROXY",
        ),
        (
            "HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n",
            "the proxy answered 407 for sts.eu-west-1.amazonaws.com",
            "USER:PASSWORD",
        ),
        (
            "HTTP/1.0 503 Busy\r\n\r\n<html>busy</html>",
            "the proxy answered 503 for sts.eu-west-1.amazonaws.com",
            "something other than AWS answered: check proxies",
        ),
    ] {
        let mut bench = Bench::new(Organization::builder().accounts(3).start());
        bench
            .without_env("AWS_ENDPOINT_URL")
            .env("HTTPS_PROXY", &format!("http://me:proxy-password@{}", answers(answer)));
        let run = bench.run("run", &["plan", "--max-attempts=2"]).exits(1).made_no_plan(says);
        assert!(run.stderr.contains(advice), "{advice}\n{run}");
        run.holds_no_secret("proxy-password");
        let doctor = bench.again("none", &["doctor", "--max-attempts=2"]).exits(1);
        assert!(doctor.stdout.contains(says) && doctor.stdout.contains(advice), "{doctor}");
    }
}

#[test]
fn a_page_in_place_of_aws_is_named_with_its_status_and_the_host() {
    for (status, advice) in
        [(200, "something other than AWS answered"), (403, "something other than AWS answered"), (407, "HTTPS_PROXY")]
    {
        let answer =
            format!("HTTP/1.1 {status} x\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>");
        let page = answers(answer.leak());
        // Only IAM is answered in AWS's place, so every account fails to be read.
        let mut bench = Bench::new(Organization::builder().accounts(3).start());
        bench.env("AWS_ENDPOINT_URL_IAM", &format!("http://localhost:{}", page.port()));
        let run = bench.run("run", &["plan", "--max-attempts=2"]).exits(3);
        for row in run.rows().values() {
            let says = format!("HTTP status {status} from localhost with a body that ");
            assert!(row["error_message"].starts_with(&says), "{row:#?}");
            assert!(row["hint"].contains(advice), "{advice}: {row:#?}");
        }
    }
}

#[test]
fn hosts_in_no_proxy_are_reached_directly() {
    let organization = Organization::builder().accounts(5).start();
    let tls_proxy = TlsProxy::start(&organization.endpoint());
    let mut bench = Bench::new(organization);
    let authority = tls_proxy.write_authority(bench.folder.path()).display().to_string();
    let proxy = format!("http://{}", tls_proxy.proxy);
    let endpoint = format!("https://localhost:{}", tls_proxy.direct.port());
    bench.env("HTTPS_PROXY", &proxy).env("AWS_CA_BUNDLE", &authority).env("AWS_ENDPOINT_URL", &endpoint);

    bench.run("through", &["plan"]).exits(0);
    assert_eq!(tls_proxy.hosts(), [format!("localhost:{}", tls_proxy.direct.port())], "without NO_PROXY");

    bench.env("HTTPS_PROXY", "http://127.0.0.1:1").env("NO_PROXY", "example.com,localhost");
    bench.run("directly", &["apply", "--yes"]).exits(0).agrees(TokenVersion::V2);
}

/// As in the AWS CLI. A command that is reached directly could not be reached through this proxy.
#[test]
fn a_proxy_that_the_aws_cli_does_not_use_is_not_used() {
    let mut bench = Bench::new(Organization::builder().accounts(2).start());
    let nobody = "http://127.0.0.1:1";
    bench.env("ALL_PROXY", nobody).env("all_proxy", nobody).env("HTTPS_PROXY", nobody);
    bench.run("all", &["plan"]).exits(0);
    bench
        .env("HTTP_PROXY", nobody)
        .run("upper", &["plan", "--max-attempts=1"])
        .exits(1)
        .made_no_plan("ConnectionFailed");
    bench.env("http_proxy", "").run("lower", &["plan"]).exits(0);
    bench.without_env("http_proxy").env("REQUEST_METHOD", "GET").run("cgi", &["plan"]).exits(0);
}

/// No option, variable or profile key switches off the verification of certificates. Only `v2token iam` has the AWS CLI's
/// `--no-verify-ssl`.
#[test]
fn certificates_are_always_verified() {
    let options = ["--no-verify-ssl", "--insecure", "--no-verify", "--skip-tls-verify", "--no-check-certificate", "-k"];
    let keys = ["verify_ssl = false", "no_verify_ssl = true", "cli_no_verify_ssl = true", "insecure = true"];
    let variables = [
        ("AWS_NO_VERIFY_SSL", "true"),
        ("AWS_VERIFY_SSL", "false"),
        ("V2TOKEN_NO_VERIFY_SSL", "true"),
        ("V2TOKEN_INSECURE", "true"),
        ("PYTHONHTTPSVERIFY", "0"),
        ("NODE_TLS_REJECT_UNAUTHORIZED", "0"),
        ("CURL_INSECURE", "1"),
        ("GIT_SSL_NO_VERIFY", "1"),
        ("SSL_NO_VERIFY", "1"),
    ];
    let (mut bench, tls_proxy, authority) = behind_a_tls_proxy("HTTPS_PROXY");
    for option in options {
        let run = bench.run("run", &["apply", "--yes", option]).exits(2);
        assert!(run.all_calls() == 0 && !run.folder.exists(), "{option}\n{run}");
    }
    let profile = bench.folder.path().join("config");
    std::fs::write(&profile, format!("[default]\n{}\n", keys.join("\n"))).expect("a writable folder");
    bench.env("AWS_CONFIG_FILE", profile.to_str().expect("a UTF-8 path"));
    for (name, value) in variables {
        let mut command = bench.command("run", &["apply", "--yes"]);
        command.env(name, value);
        bench.finish("run", command).exits(1).attempted_nothing("CertificateRefused");
    }
    // An empty setting is refused, as by the AWS CLI.
    for name in ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"] {
        let mut command = bench.command("run", &["apply", "--yes"]);
        command.env(name, "");
        bench.finish("run", command).exits(1).attempted_nothing("expected a file with certificates");
    }
    // A certificate of a trusted authority, but for another host.
    let elsewhere = format!("https://127.0.0.1:{}", tls_proxy.direct.port());
    bench.without_env("HTTPS_PROXY").env("AWS_ENDPOINT_URL", &elsewhere);
    bench.run("run", &["apply", "--yes", "--ca-bundle", &authority]).exits(1).attempted_nothing("CertificateRefused");
    let there = elsewhere.replace("127.0.0.1", "localhost");
    bench.env("AWS_ENDPOINT_URL", &there);
    bench.run("run", &["apply", "--yes", "--ca-bundle", &authority]).exits(0).agrees(TokenVersion::V2);
}
