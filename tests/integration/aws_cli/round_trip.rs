//! The round trip through moto: what one program sets, the other reads.

use std::process::Command;
use std::time::Duration;

use crate::moto::serve;
use crate::python::{Scratch, environment, hermetic, run, skip};

const LIMIT: Duration = Duration::from_mins(1);

#[test]
fn what_one_program_sets_the_other_reads() {
    let scratch = Scratch::new("round_trip");
    let (aws, moto) = match (environment("aws_cli", &scratch.0), environment("moto", &scratch.0)) {
        (Ok(aws), Ok(moto)) => (aws, moto),
        (Err(reason), _) | (_, Err(reason)) => return skip("the AWS CLI", &reason),
    };
    let (_server, address) = serve(&moto, &scratch.0);
    let call = |program: &str, arguments: &[&str]| {
        let mut command = match program {
            "aws" => super::aws(&aws),
            _ => Command::new(env!("CARGO_BIN_EXE_v2token")),
        };
        hermetic(&mut command, &scratch.0).arg("iam").args(arguments);
        command
            .env("AWS_ENDPOINT_URL", &address)
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        run(&mut command, program, &scratch.0, LIMIT).unwrap_or_else(|failure| panic!("{program}: {failure}"))
    };
    for (setter, version, number) in [
        ("aws", "v1Token", "1\n"),
        ("v2token", "v2Token", "2\n"),
        ("aws", "v2Token", "2\n"),
        ("v2token", "v1Token", "1\n"),
    ] {
        let said =
            call(setter, &["set-security-token-service-preferences", "--global-endpoint-token-version", version]);
        assert_eq!(said, "", "{setter}");
        for reader in ["aws", "v2token"] {
            let query = ["get-account-summary", "--query", "SummaryMap.GlobalEndpointTokenVersion"];
            assert_eq!(call(reader, &query), number, "{reader} after {setter} set {version}");
        }
        let whole = ["get-account-summary", "--output", "table"];
        assert_eq!(call("aws", &whole), call("v2token", &whole));
    }
}
