"""Writes a wheel with the program, for pip and uv: wheel.py FOLDER PLATFORM OUTPUT.

FOLDER has the files of the program, as they are under a prefix. A build tool for wheels would compile the program again, and the wheel
would then have another program than the archives.
"""

import base64
import hashlib
import os
import sys
from pathlib import Path

from archives import files, zipped


def main():
    folder, platform, output = sys.argv[1:]
    version = os.environ["VERSION"]
    metadata = f"v2token-{version}.dist-info"
    data = f"v2token-{version}.data"
    readme = Path("README.md").read_text()
    entries = []
    for path, mode, content in files(folder):
        if path == "bin/v2token":
            entries.append((f"{data}/scripts/v2token", mode, content))
        elif "LICENSE" in path or "THIRD-PARTY" in path:
            entries.append((f"{metadata}/licenses/{Path(path).name}", mode, content))
        elif path.startswith("share/man/"):
            entries.append((f"{data}/data/{path}", mode, content))
    licences = "".join(f"License-File: {Path(path).name}\n" for path, _, _ in entries if path.startswith(f"{metadata}/licenses/"))
    entries.append((
        f"{metadata}/METADATA",
        0o644,
        f"Metadata-Version: 2.4\nName: v2token\nVersion: {version}\n"
        "Summary: Sets the global endpoint token version in every account of an AWS Organization.\n"
        f"License-Expression: MIT OR Apache-2.0\n{licences}Keywords: aws,iam,sts,organizations,cli\n"
        "Classifier: Environment :: Console\nClassifier: Operating System :: POSIX :: Linux\nClassifier: Programming Language :: Rust\n"
        f"Requires-Python: >=3.7\nDescription-Content-Type: text/markdown; charset=UTF-8; variant=GFM\n\n{readme}".encode(),
    ))  # fmt: skip
    tags = "".join(f"Tag: py3-none-{tag}\n" for tag in platform.split("."))
    wheel = f"Wheel-Version: 1.0\nGenerator: v2token .ci/release\nRoot-Is-Purelib: false\n{tags}"
    entries.append((f"{metadata}/WHEEL", 0o644, wheel.encode()))

    def digest(content):
        return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")

    record = "".join(f"{path},sha256={digest(content)},{len(content)}\n" for path, _, content in entries)
    entries.append((f"{metadata}/RECORD", 0o644, f"{record}{metadata}/RECORD,,\n".encode()))
    zipped(Path(output) / f"v2token-{version}-py3-none-{platform}.whl", entries)


main()
