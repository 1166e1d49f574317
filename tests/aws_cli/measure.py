"""Measures one call from start to end: the AWS CLI and v2token, in pairs, against an endpoint on loopback.

Usage: measure.py path/to/v2token [pairs]

Run it with the python of the virtual environment that the tests make, target/aws_cli-venv/bin/python.
"""

import os
import statistics
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SET = ["iam", "set-security-token-service-preferences", "--global-endpoint-token-version", "v2Token"]
GET = ["iam", "get-account-summary", "--query", "SummaryMap.GlobalEndpointTokenVersion"]
ANSWER = b"""<R><GetAccountSummaryResult><SummaryMap><entry><key>GlobalEndpointTokenVersion</key><value>2</value></entry>
</SummaryMap></GetAccountSummaryResult></R>"""


class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_) -> None:
        pass


def measure(command: list[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """Returns wall and CPU time in milliseconds, and the peak resident memory in MiB."""
    start = time.perf_counter()
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    assert status == 0, command
    return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024


def main(program: str, pairs: int) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_IAM": f"http://127.0.0.1:{server.server_port}",
    }
    programs = {"aws": [sys.executable, str(Path(sys.executable).with_name("aws"))], "v2token": [program]}
    for arguments in (SET, GET):
        seen = {name: [] for name in programs}
        for number in range(pairs + 1):
            for name, command in programs.items():
                figures = measure(command + arguments, environment)
                # The first pair warms the caches.
                if number > 0:
                    seen[name].append(figures)
        for name, runs in seen.items():
            wall, cpu, memory = (statistics.median(figures) for figures in zip(*runs))
            print(f"{arguments[1]:40} {name:8} wall {wall:7.1f} ms   CPU {cpu:7.1f} ms   {memory:6.1f} MiB")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20)
