"""The crates that are linked into the program, as cargo knows them."""

import json
import subprocess
import tomllib


def run(*arguments):
    """Returns what a command prints."""
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout


def linked(target):
    """Returns the packages of `cargo metadata` that are linked into the program, v2token first, and the dependencies of each by its id.

    The packages of this workspace are parts of v2token, so they count as one.

    `cargo tree` decides which crates these are, because it resolves the features as the build does. `cargo metadata` also has the features
    that only tests need.
    """
    lines = run(
        "cargo", "tree", "--locked", "--package", "v2token", "--target", target,
        "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}",
    ).splitlines()  # fmt: skip
    names = {tuple(line.split()[:2]) for line in lines if line}
    metadata = json.loads(run("cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target))
    packages = [package for package in metadata["packages"] if (package["name"], "v" + package["version"]) in names]
    if len(packages) != len(names):
        raise SystemExit("cargo tree and cargo metadata disagree about the crates")
    packages.sort(key=lambda package: (package["name"] != "v2token", package["name"], package["version"]))
    program = packages[0]["id"]
    own = {package["id"] for package in packages if package["source"] is None}
    packages = [package for package in packages if package["id"] not in own - {program}]
    ids = {package["id"] for package in packages} - {program}
    dependencies = {package["id"]: set() for package in packages}
    for node in metadata["resolve"]["nodes"]:
        user = program if node["id"] in own else node["id"]
        if user in dependencies:
            dependencies[user].update(ids.intersection(node["dependencies"]))
    return packages, dependencies


def checksums():
    """Returns the SHA-256 sum of each crate in Cargo.lock by its name and version."""
    with open("Cargo.lock", "rb") as file:
        packages = tomllib.load(file)["package"]
    return {(package["name"], package["version"]): package.get("checksum") for package in packages}
