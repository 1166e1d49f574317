"""Prints a bill of materials, CycloneDX 1.5 in JSON, of what is linked into the program: sbom.py TARGET."""

import json
import os
import re
import sys
import uuid
from datetime import datetime, timezone

from crates import checksums, linked, run


def component(package, sums):
    name, version = package["name"], package["version"]
    purl = f"pkg:cargo/{name}@{version}"
    result = {"type": "library", "bom-ref": purl, "name": name, "version": version}
    if package["description"]:
        result["description"] = " ".join(package["description"].split())
    if sums[name, version]:
        result["hashes"] = [{"alg": "SHA-256", "content": sums[name, version]}]
    # An old spelling of OR in some crates.
    result["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", package["license"])}]
    result["purl"] = purl
    if package["repository"]:
        result["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return result


def main():
    packages, dependencies = linked(sys.argv[1])
    sums = checksums()
    components = {package["id"]: component(package, sums) for package in packages}
    own = components.pop(packages[0]["id"]) | {"type": "application"}
    refs = {key: entry["bom-ref"] for key, entry in components.items()} | {packages[0]["id"]: own["bom-ref"]}
    commit = run("git", "rev-parse", "HEAD").strip()
    # The same for each build of a commit.
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{own['bom-ref']}#{commit}")
    when = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{identity}",
        "version": 1,
        "metadata": {
            "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": own,
            "properties": [{"name": "v2token:commit", "value": commit}, {"name": "v2token:target", "value": sys.argv[1]}],
        },
        "components": list(components.values()),
        "dependencies": [
            {"ref": refs[key], "dependsOn": sorted(refs[dep] for dep in dependencies[key])} for key in sorted(refs, key=refs.get)
        ],
    }
    json.dump(bom, sys.stdout, indent=1, ensure_ascii=False)
    print()


main()
