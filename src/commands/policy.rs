//! `policy`: prints the IAM policies and other documents that a run with the same options needs. AWS is called only for documents
//! that name the caller.

use serde_json::{Map, Value, json};

use crate::aws_settings::RegionChoice;
use crate::cli::{Document, PolicyArgs, PolicyFor, TypedOptions};
use crate::cloud::aws::ConnectError;
use crate::error::Error;
use crate::journal::CommandName;
use crate::org::caller::account_in_arn;
use crate::org::region::partition_of;
use crate::org::role::{AccessMode, RoleTemplate};
use crate::org::selection::ManagementAccess;
use crate::org::{Caller, Partition};
use crate::policy::{self, PolicyContext, Principal, Requirements};
use crate::rollout::Mode;
use crate::run::connect::connect;
use crate::run::stdout;
use crate::settings::{Environment, Settings, defaults};
use crate::terminal::Progress;

/// The role of the StackSet, of the Terraform configuration and of the service control policy if `--role` does not name one.
/// Creating `OrganizationAccountAccessRole` fails in accounts that the Organization created, and a service control policy should
/// not exempt a role that may do everything.
const NARROW_ROLE: &str = "TokenVersionRole";

/// Returns the context with a narrow role in place of the default role.
fn narrow(context: &PolicyContext) -> PolicyContext {
    let narrow = || NARROW_ROLE.parse().expect("a role's name");
    let role = if context.role == RoleTemplate::default() { narrow() } else { context.role.clone() };
    PolicyContext { role, ..context.clone() }
}

/// Prints the documents.
pub(super) async fn policy(args: PolicyArgs, typed: &TypedOptions, environment: &Environment) -> Result<u8, Error> {
    if typed.contains("query") {
        return Err(Error::Usage(
            "--query: policy makes no report; its documents are JSON for jq and the like".to_owned(),
        ));
    }
    let PolicyArgs { document, command, caller_arn, run } = args;
    if run.access.access == Some(AccessMode::AssumeRoot) {
        if command == PolicyFor::Apply && typed.contains("for") {
            return Err(Error::Usage("--access assume-root can only read: --for plan or --for doctor".to_owned()));
        }
        if command == PolicyFor::Impact {
            return Err(Error::Usage(
                "--access assume-root can't read the event history of CloudTrail: impact needs a role in the accounts"
                    .to_owned(),
            ));
        }
    }
    let settings = Settings::resolve(run, CommandName::Plan, defaults(Mode::Plan), environment)?;
    settings.run.check()?;
    let names_caller = match document {
        Some(Document::Trust | Document::Stackset | Document::Terraform) | None => {
            settings.run.access == AccessMode::Role
        }
        Some(Document::Caller | Document::Via | Document::Role | Document::Scp) => false,
    };
    let caller = match caller_arn {
        Some(arn) => Some(caller_of(&arn)?),
        None if names_caller && settings.run.via_roles.is_empty() => {
            let progress = Progress::new(settings.output.stderr_mode);
            let aws = connect(&settings, &progress).await?;
            progress.finish();
            Some(aws.caller)
        }
        None => None,
    };
    let partition = match &caller {
        Some(caller) => caller.partition.clone(),
        None => partition(&settings)?,
    };
    let context = context(&settings, command, partition);
    let trusted = match context.via.last() {
        // The session of the last `--via-role` assumes the roles in the accounts, so the trust policies in the accounts name the
        // last `--via-role`.
        Some(last) => Some(caller_of(&last.arn(&context.partition))?),
        None => caller,
    };
    let principal_of =
        |caller: Caller| Principal::of(caller.account, &caller.arn).ok_or_else(|| no_caller(&caller.arn));
    let principal = trusted.map(principal_of).transpose()?;
    refuse_different_trusts(document, &settings)?;
    let creates_role = matches!(document, Some(Document::Stackset | Document::Terraform));
    let by_role = settings.run.access == AccessMode::Role;
    if creates_role && by_role && settings.run.role == RoleTemplate::default() {
        let what = if document == Some(Document::Stackset) { "template" } else { "configuration" };
        Progress::new(settings.output.stderr_mode).warn(&format!(
            "the {what} creates the role {NARROW_ROLE}, because accounts that the Organization created already have an \
             OrganizationAccountAccessRole: give plan and apply --role {NARROW_ROLE}, or name another role with --role here, too"
        ));
    }
    let text = if document == Some(Document::Terraform) {
        policy::terraform(&narrow(&context), principal.as_ref().filter(|_| by_role))
            .ok_or_else(|| not_the_same_role("a Terraform configuration", &context))?
    } else {
        let value = render(document, &context, principal.as_ref())?;
        serde_json::to_string_pretty(&value).expect("texts only") + "\n"
    };
    stdout::write(|to| write!(to, "{text}")).map_err(stdout::unwritable("the document"))?;
    Ok(0)
}

/// Returns the error for a role whose name or path depends on the account.
fn not_the_same_role(what: &str, context: &PolicyContext) -> Error {
    Error::Usage(format!(
        "{what} makes the same role in every account, and --role {} has {{account_id}} or {{partition}} in its name or path",
        context.role
    ))
}

/// Refuses to make one trust policy for several roles or external ids.
fn refuse_different_trusts(document: Option<Document>, settings: &Settings) -> Result<(), Error> {
    let of_one_role = matches!(document, Some(Document::Trust | Document::Stackset | Document::Terraform) | None);
    let differ = !settings.run.roles.is_empty() || !settings.run.external_ids_given.is_empty();
    if of_one_role && differ && settings.run.access == AccessMode::Role {
        return Err(Error::Usage(
            "--accounts-from names roles or external ids of single accounts, whose trust policies differ: make them one by \
             one, with --role and --external-id"
                .to_owned(),
        ));
    }
    Ok(())
}

fn context(settings: &Settings, command: PolicyFor, partition: Partition) -> PolicyContext {
    let run = &settings.run;
    let by_role = run.access == AccessMode::Role;
    let mfa = run.mfa_serial.is_some();
    PolicyContext {
        requirements: Requirements {
            sets: by_role && command == PolicyFor::Apply,
            checks: command == PolicyFor::Doctor,
            looks_up: command == PolicyFor::Impact,
            access: run.access,
            tags: run.selection.needs_tags(),
            units: run.selection.names_unit_ids(),
            own: run.selection.management == ManagementAccess::Own,
            mfa,
            // `impact` asks nothing about denials.
            explains: !run.no_explain && command != PolicyFor::Impact,
        },
        partition,
        role: run.role.clone(),
        other_roles: run.roles.values().cloned().collect(),
        session_seconds: run.session_duration.as_secs(),
        via: run.via_roles.clone(),
        external_id: settings.connection.external_id.as_ref().map(|secret| secret.reveal().to_owned()),
        source_identity: run.source_identity.is_some(),
        mfa,
    }
}

/// Returns one document. Without `document`, returns all documents that apply, in an object with their names as keys.
fn render(document: Option<Document>, context: &PolicyContext, principal: Option<&Principal>) -> Result<Value, Error> {
    let by_role = context.requirements.access == AccessMode::Role;
    let no_role =
        || Error::Usage("--access assume-root needs no role in the accounts, so there is no such document".to_owned());
    let named = || principal.filter(|_| by_role).ok_or_else(no_role);
    Ok(match document {
        Some(Document::Caller) => policy::caller(context),
        Some(Document::Via) if context.via.is_empty() => {
            return Err(Error::Usage("no role is assumed first: name it with --via-role".to_owned()));
        }
        Some(Document::Via) => Value::Object(policy::via(context).into_iter().collect()),
        Some(Document::Role) if !by_role => return Err(no_role()),
        Some(Document::Role) => policy::role(context),
        Some(Document::Trust) => policy::trust(context, named()?),
        Some(Document::Scp) => policy::scp(&narrow(context)),
        Some(Document::Stackset) => {
            policy::stackset(&narrow(context), named()?).ok_or_else(|| not_the_same_role("a StackSet", context))?
        }
        Some(Document::Terraform) => unreachable!("the configuration is HCL, and is made elsewhere"),
        None => {
            let mut all = Map::new();
            for document in Document::ALL {
                let applies = match document {
                    Document::Caller | Document::Scp => true,
                    Document::Via => !context.via.is_empty(),
                    Document::Role | Document::Trust => by_role,
                    Document::Stackset => by_role && policy::stackset_is_possible(context),
                    // It is not JSON.
                    Document::Terraform => false,
                };
                if applies {
                    all.insert(document.to_string(), render(Some(document), context, principal)?);
                }
            }
            json!(all)
        }
    })
}

/// Returns the partition without a call to AWS. It is the partition in the ARN of the first `--via-role`. If there is no
/// `--via-role`, or if its ARN has a placeholder for the partition, the partition is that of the Region. If no Region is
/// configured either, the partition is `aws`.
fn partition(settings: &Settings) -> Result<Partition, Error> {
    let aws = settings.connect_options().aws_settings().map_err(ConnectError::from)?;
    let region = settings.run.region.as_deref().or_else(|| aws.region(&["AWS_REGION", "AWS_DEFAULT_REGION"]));
    let partition = match region {
        Some(region) => partition_of(&RegionChoice::of(region).name).map_err(ConnectError::from)?,
        None => "aws",
    };
    let named =
        settings.run.via_roles.first().map(|role| role.to_string().split(':').nth(1).unwrap_or("aws").to_owned());
    let partition = named.filter(|named| named.starts_with("aws")).unwrap_or_else(|| partition.to_owned());
    Ok(caller_of(&format!("arn:{partition}:iam::000000000000:root"))?.partition)
}

fn caller_of(arn: &str) -> Result<Caller, Error> {
    let account = account_in_arn(arn).map(|id| id.to_string());
    Caller::from_api(account.as_deref(), Some(arn)).map_err(|_| no_caller(arn))
}

fn no_caller(arn: &str) -> Error {
    Error::Usage(format!("--caller-arn {arn}: expected the ARN of a role, a user or a session, with its account id"))
}
