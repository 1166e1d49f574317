"""Creates an organization of 60 accounts in moto through the AWS API.

Usage: seed.py http://127.0.0.1:PORT

Prints JSON: {"management_account": id, "accounts": [all ids, the management account included],
"suspended": [ids], "already_v2": [ids], "workloads": the id of an OU,
"chosen": [the accounts below it that have the tag and a name that starts with "member 1"]}.
"""

import json
import sys

import boto3

REGION = "us-east-1"
ROLE = "OrganizationAccountAccessRole"
MEMBERS = 59
SUSPENDED = [7]
ALREADY_V2 = [3, 20, 41]


class Seeder:
    """Clients of the management account, and of accounts through their cross-account role."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.organizations = self.client("organizations")
        self.sts = self.client("sts")

    def client(self, service: str, key: str = "AKIAIOSFODNN7EXAMPLE", secret: str = "secret", token: str | None = None):
        """A client with explicit credentials, so that the developer's own configuration is not used."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
        )

    def iam_inside(self, account: str):
        """An IAM client with the credentials of the cross-account role of `account`."""
        session = self.sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/{ROLE}", RoleSessionName="seed")
        credentials = session["Credentials"]
        return self.client(
            "iam", credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
        )

    def create_units(self) -> list[str]:
        """Creates a tree of OUs three levels deep. Returns the ids of the root and the OUs, outermost first."""
        root = self.organizations.list_roots()["Roots"][0]["Id"]
        workloads = self.create_unit(root, "Workloads")
        production = self.create_unit(workloads, "Production")
        payments = self.create_unit(production, "Payments")
        sandbox = self.create_unit(root, "Sandbox")
        return [root, workloads, production, payments, sandbox]

    def create_unit(self, parent: str, name: str) -> str:
        unit = self.organizations.create_organizational_unit(ParentId=parent, Name=name)
        return unit["OrganizationalUnit"]["Id"]

    def create_members(self, units: list[str]) -> list[str]:
        """Creates the member accounts in turn in the units. As at AWS, CreateAccount makes the cross-account role."""
        return [self.create_member(number, units[number % len(units)], units[0]) for number in range(MEMBERS)]

    def create_member(self, number: int, unit: str, root: str) -> str:
        status = self.organizations.create_account(
            AccountName=f"member {number:02}", Email=f"member{number:02}@example.com", RoleName=ROLE
        )
        account = status["CreateAccountStatus"]["AccountId"]
        if unit != root:
            self.organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)
        return account

    def tag(self, account: str) -> None:
        """Gives an account the tag that the tests select by."""
        self.organizations.tag_resource(ResourceId=account, Tags=[{"Key": "team", "Value": "payments"}])

    def upgrade(self, account: str) -> None:
        """Sets an account to version 2 through its role, and checks that the role and the plug-in work."""
        iam = self.iam_inside(account)
        iam.get_role(RoleName=ROLE)
        iam.set_security_token_service_preferences(GlobalEndpointTokenVersion="v2Token")
        version = iam.get_account_summary()["SummaryMap"]["GlobalEndpointTokenVersion"]
        assert version == 2, f"{account} is on version {version} after the upgrade"


def main(endpoint: str) -> None:
    seeder = Seeder(endpoint)
    organization = seeder.organizations.create_organization(FeatureSet="ALL")["Organization"]
    management = organization["MasterAccountId"]
    assert seeder.sts.get_caller_identity()["Account"] == management

    units = seeder.create_units()
    members = seeder.create_members(units)
    for number in range(0, MEMBERS, 3):
        seeder.tag(members[number])
    # Below the OU Workloads, with the tag, and with a name that starts with "member 1".
    chosen = [members[number] for number in range(10, 20) if number % len(units) in (1, 2, 3) and number % 3 == 0]
    already_v2 = [members[number] for number in ALREADY_V2]
    suspended = [members[number] for number in SUSPENDED]
    for account in already_v2:
        seeder.upgrade(account)
    for account in suspended:
        seeder.organizations.close_account(AccountId=account)

    print(
        json.dumps(
            {
                "management_account": management,
                "accounts": [management, *members],
                "suspended": suspended,
                "already_v2": already_v2,
                "workloads": units[1],
                "chosen": chosen,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
