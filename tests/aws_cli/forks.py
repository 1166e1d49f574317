"""Runs command lines through the AWS CLI without starting Python anew for each: what every start imports is imported once, and each
command line has a fork of that.

A line of JSON on stdin is a command line; the answer on stdout is a line with its exit code, negative for a signal. The fork is what
`aws` would be: its environment, folder, streams and arguments are those of the command line, the script `aws` is run from its first
line as the main program, and Python ends the process as it ends any. No fork has ever run a command line before.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import sys
from pathlib import Path

SCRIPT = Path(sys.executable).with_name("aws")

# Python reads these when it starts, and the AWS CLI reads HOME when it is imported. They have to be the same for all.
READ_EARLY = ("HOME", "LANG", "LANGUAGE", "LC_", "PYTHON", "TZ")


def early(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(READ_EARLY)}


def become(line: dict, package: object) -> None:
    """Makes this process the one that runs the command line."""
    # It has an end, whatever it waits for.
    signal.alarm(line["seconds"])
    os.environ.clear()
    os.environ.update(line["environment"])
    os.chdir(line["folder"])
    writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for stream, path, flags in ((0, os.devnull, os.O_RDONLY), (1, line["stdout"], writing), (2, line["stderr"], writing)):
        opened = os.open(path, flags, 0o666)
        os.dup2(opened, stream)
        os.close(opened)
    sys.argv = [str(SCRIPT), *line["arguments"]]
    # Importing it puts the place of its data into the environment.
    importlib.reload(package)


def serve() -> bool:
    """Answers command lines. It returns True in a fork, and False at the end of them all."""
    # The path of modules begins with the folder of the script that is run.
    sys.path[0] = str(SCRIPT.parent)
    started = early(dict(os.environ))
    package = importlib.import_module("awscli")
    for name in ("clidriver", "handlers"):
        importlib.import_module(f"awscli.{name}")
    # A fork that collects garbage would otherwise copy all that there is.
    gc.collect()
    gc.freeze()
    for text in sys.stdin.buffer:
        line = json.loads(text)
        if early(line["environment"]) != started:
            raise SystemExit(f"this needs a Python of its own: {line['environment']}")
        child = os.fork()
        if child == 0:
            become(line, package)
            return True
        _, status = os.waitpid(child, 0)
        os.write(1, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    return False


if serve():
    runpy.run_path(str(SCRIPT), run_name="__main__")
