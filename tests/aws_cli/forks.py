"""Runs command lines through the AWS CLI without a new Python process for each: the modules are imported and the descriptions of the
services are parsed once, and each command line runs in a fork.

Each line of JSON on stdin is a command line; the answer is a line on stdout with its exit code, negative for a signal. The fork behaves
like `aws`: it has the environment, folder, streams and arguments of the command line, and runs the script `aws` from its first line as the
main program. It ends with the exit code and the output of a Python process, but without taking its memory apart, which would copy all of
it. Only an output that can't be flushed and a signal that Python passes on would end in another way; the tests have neither. With
--debug, it logs fewer lines about the new names of events. Each fork runs one command line.
"""

import atexit
import gc
import importlib
import inspect
import json
import os
import runpy
import signal
import sys
import threading
import traceback
from pathlib import Path

SCRIPT = Path(sys.executable).with_name("aws")

# Python reads these when it starts, and the AWS CLI reads HOME when it is imported, so they must be the same for all command lines.
READ_EARLY = ("HOME", "LANG", "LANGUAGE", "LC_", "PYTHON", "TZ")

# The files that every command line of the tests reads, below the data of botocore. Parsing them is half of the cost of a command line.
READ_ALWAYS = ("*.json", "iam/*/*.json", "sts/*/*.json")

# The kinds of data of which every command line lists the services.
LISTED = ("service-2", "waiters-2", "paginators-1", "endpoint-rule-set-1")


def early(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(READ_EARLY)}


def parse_data() -> None:
    """Parses the data of the AWS CLI, and makes its loader take the result. Nothing changes the parsed data, because within a process
    the AWS CLI uses each result more than once, too."""
    loaders = importlib.import_module("botocore.loaders")
    loader, load = loaders.JSONFileLoader(), loaders.JSONFileLoader.load_file
    names = [str(path.with_suffix("")) for pattern in READ_ALWAYS for path in Path(loaders.Loader.BUILTIN_DATA_PATH).glob(pattern)]
    parsed = {name: load(loader, name) for name in names}
    loaders.JSONFileLoader.load_file = lambda self, name: parsed[name] if name in parsed else load(self, name)


def start_once() -> None:
    """Starts the AWS CLI once, and keeps what is the same for each command line: the services in its data, whether a handler takes all
    keyword arguments, and the new names of events."""
    loaders, hooks, clidriver = (importlib.import_module(name) for name in ("botocore.loaders", "botocore.hooks", "awscli.clidriver"))
    accepts_kwargs = hooks.accepts_kwargs

    def takes_all(handler: object) -> object:
        code = getattr(handler, "__code__", None)
        return accepts_kwargs(handler) if code is None else code.co_flags & inspect.CO_VARKEYWORDS

    hooks.accepts_kwargs = takes_all
    session = clidriver.create_clidriver().session
    loader, list_services = session.get_component("data_loader"), loaders.Loader.list_available_services
    known = {(*loader._potential_locations(), kind): list_services(loader, kind) for kind in LISTED}

    def list_available_services(self: object, type_name: str) -> list[str]:
        # A user's own data is in one more folder.
        return known.get((*self._potential_locations(), type_name)) or list_services(self, type_name)

    loaders.Loader.list_available_services = list_available_services
    names, begin = session.get_component("event_emitter")._alias_name_cache, hooks.EventAliaser.__init__

    def begin_with_names(self: object, *arguments: object) -> None:
        begin(self, *arguments)
        if self._event_aliases == hooks.EVENT_ALIASES:
            self._alias_name_cache = dict(names)

    hooks.EventAliaser.__init__ = begin_with_names


def become(line: dict, package: object) -> None:
    """Sets this process up for the command line."""
    # A time limit for every command line.
    signal.alarm(line["seconds"])
    # Without a terminal, so that nobody is asked for anything.
    os.setsid()
    os.environ.clear()
    os.environ.update(line["environment"])
    os.chdir(line["folder"])
    writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for stream, path, flags in ((0, os.devnull, os.O_RDONLY), (1, line["stdout"], writing), (2, line["stderr"], writing)):
        opened = os.open(path, flags, 0o666)
        os.dup2(opened, stream)
        os.close(opened)
    sys.argv = [str(SCRIPT), *line["arguments"]]
    # The import puts the folder of its data into the environment.
    importlib.reload(package)


def serve() -> bool:
    """Answers command lines. Returns True in a fork, and False after the last command line."""
    # The module path begins with the folder of the script, as when Python runs it.
    sys.path[0] = str(SCRIPT.parent)
    started = early(dict(os.environ))
    package = importlib.import_module("awscli")
    for name in ("clidriver", "handlers"):
        importlib.import_module(f"awscli.{name}")
    parse_data()
    start_once()
    # Otherwise a garbage collection in a fork would copy all memory pages.
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


def run_script() -> int:
    """Runs the script `aws`, and returns the exit code of a Python process that does so."""
    try:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if serve():
    code = run_script()
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
