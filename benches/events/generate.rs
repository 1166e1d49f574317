//! Makes files of events that resemble those of an organization trail: one event in 50 is about STS.

use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use fastrand::Rng;
use flate2::Compression;
use flate2::write::GzEncoder;

/// The decompressed size of a file, in bytes.
const FILE: usize = 4 << 20;

/// The accounts and the Regions of the trail.
const ACCOUNTS: u64 = 40;
const REGIONS: [&str; 4] = ["us-east-1", "us-east-1", "eu-west-1", "ap-southeast-2"];

/// One event in so many is about STS.
const STS: u64 = 50;

const AGENTS: [&str; 6] = [
    "aws-cli/1.32.5 Python/3.9.16 Linux/5.10 botocore/1.34.5",
    "aws-sdk-go/1.44.122 (go1.19; linux; amd64)",
    "Boto3/1.26.90 Python/3.9.16 Linux/5.10 Botocore/1.29.90",
    "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/sts#1.30.3",
    "APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io) terraform-provider-aws/5.20.0 aws-sdk-go-v2/1.21.0",
    "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.11.1030 Linux/5.4.129 OpenJDK_64-Bit_Server_VM/25.302-b08 java/1.8.0_302]",
];

/// Writes files with events of this decompressed size in all.
pub(crate) fn generate(folder: &Path, bytes: u64, seed: u64) -> io::Result<()> {
    let mut random = Rng::with_seed(seed);
    let mut written = 0;
    for number in 0.. {
        if written >= bytes {
            break;
        }
        let account = 100_000_000_000 + random.u64(0..ACCOUNTS);
        let region = REGIONS[random.usize(0..REGIONS.len())];
        let (day, hour) = (1 + random.u64(0..28), random.u64(0..24));
        let name = format!("{account}_CloudTrail_{region}_202611{day:02}T{hour:02}05Z_{number:016x}.json.gz");
        let place = folder.join(format!("AWSLogs/o-bench/{account}/CloudTrail/{region}/2026/11/{day:02}"));
        fs::create_dir_all(&place)?;
        let mut text = String::with_capacity(FILE + 4096);
        text.push_str("{\"Records\":[");
        while text.len() < FILE {
            if !text.ends_with('[') {
                text.push(',');
            }
            let time = format!("2026-11-{day:02}T{hour:02}:{:02}:{:02}Z", random.u8(0..6), random.u8(0..60));
            if random.u64(0..STS) == 0 {
                push_sts(&mut text, &mut random, account, region, &time);
            } else {
                push_other(&mut text, &mut random, account, region, &time);
            }
        }
        text.push_str("]}");
        written += text.len() as u64;
        let mut file = GzEncoder::new(BufWriter::new(fs::File::create(place.join(name))?), Compression::new(6));
        file.write_all(text.as_bytes())?;
        file.finish()?.flush()?;
    }
    Ok(())
}

fn id(random: &mut Rng) -> String {
    let mut hex = |digits: usize| -> String {
        (0..digits).map(|_| char::from_digit(random.u32(0..16), 16).unwrap_or('0')).collect()
    };
    format!("{}-{}-{}-{}-{}", hex(8), hex(4), hex(4), hex(4), hex(12))
}

fn text(random: &mut Rng, length: usize) -> String {
    (0..length).map(|_| random.alphanumeric()).collect()
}

fn identity(random: &mut Rng, account: u64) -> String {
    let (role, session, key) = (random.u32(0..60), random.u32(0..900), text(random, 16));
    format!(
        "{{\"type\":\"AssumedRole\",\"principalId\":\"AROA{}:session-{session}\",\"arn\":\"arn:aws:sts::{account}:assumed-role/app-{role}/session-{session}\",\"accountId\":\"{account}\",\"accessKeyId\":\"ASIA{key}\",\"sessionContext\":{{\"sessionIssuer\":{{\"type\":\"Role\",\"principalId\":\"AROA{key}\",\"arn\":\"arn:aws:iam::{account}:role/app-{role}\",\"accountId\":\"{account}\",\"userName\":\"app-{role}\"}},\"webIdFederationData\":{{}},\"attributes\":{{\"creationDate\":\"2026-11-20T08:00:00Z\",\"mfaAuthenticated\":\"false\"}}}}}}",
        text(random, 16)
    )
}

fn push_sts(to: &mut String, random: &mut Rng, account: u64, region: &str, time: &str) {
    let is_global = region == "us-east-1" && random.bool();
    let (kind, host) = if is_global {
        ("global", "sts.amazonaws.com".to_owned())
    } else {
        ("regional", format!("sts.{region}.amazonaws.com"))
    };
    let size = if is_global { 352 } else { 752 };
    let (role, agent) = (random.u32(0..60), AGENTS[random.usize(0..AGENTS.len())]);
    let (identity, token, ids) = (identity(random, account), text(random, size), [id(random), id(random)]);
    to.push_str(&format!(
        "{{\"eventVersion\":\"1.11\",\"userIdentity\":{identity},\"eventTime\":\"{time}\",\"eventSource\":\"sts.amazonaws.com\",\"eventName\":\"AssumeRole\",\"awsRegion\":\"{region}\",\"sourceIPAddress\":\"203.0.113.{}\",\"userAgent\":\"{agent}\",\"requestParameters\":{{\"roleArn\":\"arn:aws:iam::{account}:role/target-{role}\",\"roleSessionName\":\"session-{}\",\"durationSeconds\":3600}},\"responseElements\":{{\"credentials\":{{\"accessKeyId\":\"ASIA{}\",\"sessionToken\":\"{token}\",\"expiration\":\"Nov 27, 2026, 7:00:00 PM\"}},\"assumedRoleUser\":{{\"assumedRoleId\":\"AROA{}:s\",\"arn\":\"arn:aws:sts::{account}:assumed-role/target-{role}/s\"}},\"sessionTokenSize\":{size},\"sessionTokenUtilization\":18}},\"additionalEventData\":{{\"RequestDetails\":{{\"endpointType\":\"{kind}\",\"awsServingRegion\":\"{region}\"}}}},\"requestID\":\"{}\",\"eventID\":\"{}\",\"readOnly\":true,\"resources\":[{{\"accountId\":\"{account}\",\"type\":\"AWS::IAM::Role\",\"ARN\":\"arn:aws:iam::{account}:role/target-{role}\"}}],\"eventType\":\"AwsApiCall\",\"managementEvent\":true,\"recipientAccountId\":\"{account}\",\"eventCategory\":\"Management\",\"tlsDetails\":{{\"tlsVersion\":\"TLSv1.3\",\"cipherSuite\":\"TLS_AES_128_GCM_SHA256\",\"clientProvidedHostHeader\":\"{host}\"}}}}",
        random.u8(1..250),
        random.u32(0..900),
        text(random, 16),
        text(random, 16),
        ids[0],
        ids[1],
    ));
}

fn push_other(to: &mut String, random: &mut Rng, account: u64, region: &str, time: &str) {
    const CALLS: [(&str, &str, bool); 6] = [
        ("ec2", "DescribeInstances", true),
        ("s3", "GetBucketAcl", true),
        ("kms", "Decrypt", true),
        ("logs", "CreateLogStream", false),
        ("dynamodb", "DescribeTable", true),
        ("iam", "PutRolePolicy", false),
    ];
    let (service, name, reads) = CALLS[random.usize(0..CALLS.len())];
    let parameters = match service {
        "iam" => format!(
            "{{\"roleName\":\"app-{}\",\"policyName\":\"inline\",\"policyDocument\":\"{{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":[\\\"s3:GetObject\\\",\\\"s3:ListBucket\\\"],\\\"Resource\\\":\\\"arn:aws:s3:::bucket-{}/*\\\"}}]}}\"}}",
            random.u32(0..60),
            text(random, 8)
        ),
        "kms" => format!("{{\"encryptionContext\":{{\"aws:s3:arn\":\"arn:aws:s3:::bucket-{}\"}},\"encryptionAlgorithm\":\"SYMMETRIC_DEFAULT\"}}", text(random, 12)),
        "ec2" => "{\"instancesSet\":{},\"filterSet\":{\"items\":[{\"name\":\"instance-state-name\",\"valueSet\":{\"items\":[{\"value\":\"running\"}]}}]}}".to_owned(),
        _ => format!("{{\"name\":\"resource-{}\",\"marker\":\"{}\"}}", random.u32(0..5000), text(random, 24)),
    };
    let (identity, agent, ids) =
        (identity(random, account), AGENTS[random.usize(0..AGENTS.len())], [id(random), id(random)]);
    to.push_str(&format!(
        "{{\"eventVersion\":\"1.11\",\"userIdentity\":{identity},\"eventTime\":\"{time}\",\"eventSource\":\"{service}.amazonaws.com\",\"eventName\":\"{name}\",\"awsRegion\":\"{region}\",\"sourceIPAddress\":\"203.0.113.{}\",\"userAgent\":\"{agent}\",\"requestParameters\":{parameters},\"responseElements\":null,\"requestID\":\"{}\",\"eventID\":\"{}\",\"readOnly\":{reads},\"eventType\":\"AwsApiCall\",\"managementEvent\":true,\"recipientAccountId\":\"{account}\",\"eventCategory\":\"Management\",\"tlsDetails\":{{\"tlsVersion\":\"TLSv1.3\",\"cipherSuite\":\"TLS_AES_128_GCM_SHA256\",\"clientProvidedHostHeader\":\"{service}.{region}.amazonaws.com\"}}}}",
        random.u8(1..250),
        ids[0],
        ids[1],
    ));
}
