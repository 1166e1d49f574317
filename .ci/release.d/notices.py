"""Prints the licences of everything that is linked into the program: notices.py TARGET [static]."""

import hashlib
import re
import sys
from pathlib import Path

from crates import linked, run

# Texts that ask to be kept with copies of the program.
NAMES = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)
# Sources and tests whose names look like a licence.
OTHER = {".rs", ".c", ".h", ".py", ".toml", ".json", ".yml", ".yaml", ".html"}
RULE = "=" * 80


def texts(folder):
    """Returns the licence texts in a crate's folder, those of the C sources in it included."""
    files = (file for file in folder.rglob("*") if file.is_file())
    files = (file for file in files if NAMES.match(file.name) and file.suffix not in OTHER)
    return [file.read_text("utf-8", "replace").strip() for file in sorted(files)]


def crates(target):
    """Prints each crate with its licence, and then each text once, with the crates that have it."""
    packages, _ = linked(target)
    users = {}
    without = []
    print("This program contains these crates:\n")
    for package in packages[1:]:
        name = f"{package['name']} {package['version']}"
        print(f"  {name}: {package['license']}{', ' + package['repository'] if package['repository'] else ''}")
        found = texts(Path(package["manifest_path"]).parent)
        if not found:
            without.append(f"{name}: {package['license']}, by {', '.join(package['authors']) or 'its contributors'}")
        for text in found:
            key = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
            users.setdefault(key, (text, []))[1].append(name)
    if without:
        print("\nThe packages of these crates have no text of their licence; LICENSE-MIT and LICENSE-APACHE have the same terms:\n")
        print("\n".join(f"  {line}" for line in without))
    for text, names in users.values():
        print(f"\n{RULE}\nThe text in {', '.join(dict.fromkeys(names))}:\n\n{text}")


def library(name, licence, text):
    print(f"\n{RULE}\n{name}: {licence}\n\n{text.strip()}")


def main():
    target, *static = sys.argv[1:]
    crates(target)
    rust = run("rustc", "--version").split()[1]
    library(
        f"The Rust standard library {rust}", "MIT OR Apache-2.0", "https://github.com/rust-lang/rust\n\n" + Path("LICENSE-APACHE").read_text()
    )
    if static:
        text = (
            "This program is statically linked to the GNU C Library, https://sourceware.org/glibc/, as Debian builds it. You may change the\n"
            "library and link the program to it again: the sources of v2token at the commit that `v2token --version` prints, and\n"
            "`.ci/release` in them, are all that it needs.\n\n"
        )
        licence = Path("/usr/share/common-licenses/LGPL-2.1").read_text()
        library("The GNU C Library " + run("ldd", "--version").splitlines()[0].split(") ")[1], "LGPL-2.1-or-later", text + licence)


main()
