"""Writes the image as an OCI archive and as a tar archive of its root: image.py FOLDER ARCHITECTURE CERTIFICATES ROOT ARCHIVE.

FOLDER has the files of the static program, as they are under /usr. The image has no shell and no package manager. It can run with a
read-only root, as the user 65532.
"""

import hashlib
import json
import os
import sys
from datetime import datetime, timezone
from pathlib import Path

from archives import compressed, epoch, files, tar
from crates import run

USER = 65532
# Tests and manual pages are of no use without a shell.
NEEDED = ("bin/", "share/doc/")
FILES = {
    "etc/group": f"root:x:0:\nnonroot:x:{USER}:\n",
    "etc/passwd": f"root:x:0:0:root:/:/sbin/nologin\nnonroot:x:{USER}:{USER}:nonroot:/home/nonroot:/sbin/nologin\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}
# The folders that are not root's: the home has ~/.aws, and run folders are in /runs.
FOLDERS = {"home/nonroot": (0o755, USER), "runs": (0o755, USER), "tmp": (0o1777, 0)}


def root(folder, certificates):
    """Returns the entries of the root file system."""
    contents = {f"usr/{path}": (mode, content) for path, mode, content in files(folder) if path.startswith(NEEDED)}
    contents |= {path: (0o644, text.encode()) for path, text in FILES.items()}
    contents["etc/ssl/certs/ca-certificates.crt"] = (0o644, certificates.read_bytes())
    [licence] = certificates.parent.parent.glob("certifi-*.dist-info/**/LICENSE")
    contents["usr/share/doc/ca-certificates/copyright"] = (0o644, licence.read_bytes())
    folders = {str(parent): (0o755, 0) for path in [*contents, *FOLDERS] for parent in Path(path).parents if str(parent) != "."} | FOLDERS
    entries = [(path, mode, owner, None) for path, (mode, owner) in folders.items()]
    entries += [(path, mode, 0, content) for path, (mode, content) in contents.items()]
    return sorted(entries)


def main():
    folder, architecture, certificates, root_path, archive_path = sys.argv[1:]
    version = os.environ["VERSION"]
    created = datetime.fromtimestamp(epoch(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {
        "org.opencontainers.image.title": "v2token",
        "org.opencontainers.image.description": "Sets the global endpoint token version in every account of an AWS Organization.",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.revision": run("git", "rev-parse", "HEAD").strip(),
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.licenses": "MIT OR Apache-2.0",
    }
    layer = tar(root(Path(folder), Path(certificates)))
    packed = compressed(layer)
    Path(root_path).write_bytes(packed)

    blobs = {}

    def blob(media_type, data):
        if not isinstance(data, bytes):
            data = json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    config = {
        "architecture": architecture,
        "os": "linux",
        "created": created,
        "config": {
            "User": f"{USER}:{USER}",
            "Env": ["PATH=/usr/bin", "HOME=/home/nonroot"],
            "Entrypoint": ["v2token"],
            "Cmd": ["--help"],
            "WorkingDir": "/runs",
            "Labels": labels,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created": created, "created_by": "v2token .ci/release"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob("application/vnd.oci.image.config.v1+json", config),
        "layers": [blob("application/vnd.oci.image.layer.v1.tar+gzip", packed)],
        "annotations": labels,
    }
    described = blob(manifest["mediaType"], manifest)
    described |= {"platform": {"architecture": architecture, "os": "linux"}}
    described |= {"annotations": {"org.opencontainers.image.ref.name": version}}
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [described]}
    contents = blobs | {"index.json": json.dumps(index).encode(), "oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    entries = [(path, 0o755, 0, None) for path in ("blobs", "blobs/sha256")]
    entries += [(path, 0o644, 0, content) for path, content in contents.items()]
    Path(archive_path).write_bytes(tar(sorted(entries)))


main()
