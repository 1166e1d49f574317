"""Starts moto, a public AWS emulator, as an independent check of v2token.

moto implements Organizations, STS and multi-account IAM, but not SetSecurityTokenServicePreferences, and its
GetAccountSummary always returns version 1. The plug-in below adds the missing operation to moto's IAM.

Prints one line, `listening http://127.0.0.1:PORT`, and serves until stdin closes, so that the server does not
outlive the test that holds the other end of the pipe.

The state of all accounts, without any AWS protocol, is at `GET /v2token-judge/truth`:
`{"<account id>": {"version": 1 or 2, "sets": accepted Set calls, "sessions": sessions issued by AssumeRole}}`.
"""

import json
import logging
import sys
import threading

from moto.core.responses import EmptyResult
from moto.iam.exceptions import ValidationError
from moto.iam.models import AccountSummary, iam_backends
from moto.iam.responses import IamResponse
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.organizations.models import organizations_backends
from moto.sts.models import sts_backends
from werkzeug.serving import make_server

TRUTH_PATH = "/v2token-judge/truth"
VERSIONS = {"v1Token": 1, "v2Token": 2}
PARTITION = "aws"

# moto answers on many threads, and adding one to a counter is not atomic.
sets_lock = threading.Lock()


def set_security_token_service_preferences(self: IamResponse) -> EmptyResult:
    """The missing IAM operation. It keeps the version in the caller's account, where GetAccountSummary reads it."""
    wanted = self._get_param("GlobalEndpointTokenVersion")
    if wanted not in VERSIONS:
        raise ValidationError(refusal(wanted))
    summary = self.backend.account_summary
    with sets_lock:
        summary._global_endpoint_token_version = VERSIONS[wanted]
        summary.sets += 1
    return EmptyResult()


def refusal(wanted: str | None) -> str:
    """AWS's message about a value outside the enumeration, or about a missing one."""
    if wanted is None:
        value, constraint = "null", "Member must not be null"
    else:
        value, constraint = f"'{wanted}'", "Member must satisfy enum value set: [v2Token, v1Token]"
    return (
        f"1 validation error detected: Value {value} at 'globalEndpointTokenVersion' "
        f"failed to satisfy constraint: {constraint}"
    )


def install_plugin() -> None:
    """Adds the operation to moto's IAM. Stops if moto has it, because then the plug-in is not needed."""
    if hasattr(IamResponse, "set_security_token_service_preferences"):
        sys.exit("moto now implements SetSecurityTokenServicePreferences: remove the plug-in from serve.py")
    AccountSummary.sets = 0
    IamResponse.set_security_token_service_preferences = set_security_token_service_preferences


def truth() -> dict[str, dict[str, int]]:
    """All accounts of the organization, and any other account that received a Set.

    Not all IAM backends: moto makes one for a placeholder id while it creates the management account.
    """
    members = {
        account.id
        for backends in list(organizations_backends.values())
        for account in backends[PARTITION].accounts
    }
    summaries = {
        account_id: backends[PARTITION].account_summary
        for account_id, backends in list(iam_backends.items())
    }
    return {
        account_id: {
            "version": summary._global_endpoint_token_version,
            "sets": summary.sets,
            "sessions": len(sts_backends[account_id][PARTITION].assumed_roles),
        }
        for account_id, summary in sorted(summaries.items())
        if account_id in members or summary.sets
    }


class Judge:
    """moto's application, with the path of the truth in addition."""

    def __init__(self) -> None:
        self.moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] != TRUTH_PATH:
            return self.moto(environ, start_response)
        body = json.dumps(truth()).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


def main() -> None:
    # A line for each request would hide the tracebacks.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    install_plugin()
    # Account ids are random; with a seed, a failure has the same ids the next time.
    mock_random.seed(2019)
    server = make_server("127.0.0.1", 0, Judge(), threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"listening http://127.0.0.1:{server.server_port}", flush=True)
    # When stdin closes, the process ends, and with it the server, whose threads are daemons.
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
