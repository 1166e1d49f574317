"""Answers questions about files, words and proxies with the functions of the AWS CLI and of Python.

The argument names a file with a question in each line, as JSON. The answers go to stdout, one line each; null is a refusal.
"""

import json
import os
import shlex
import sys
import tempfile

import awscli  # noqa: F401, which makes botocore importable
from botocore.configloader import raw_config_parse
from botocore.exceptions import ConfigParseError
from botocore.httpsession import ProxyConfiguration
from botocore.utils import get_environ_proxies


def ini(text: str, file: str) -> list | None:
    """The sections of a file, whose bytes are the characters of the text."""
    with open(file, "wb") as stream:
        stream.write(text.encode("latin-1"))
    try:
        sections = raw_config_parse(file)
    except ConfigParseError:
        return None
    pairs = lambda value: list(value.items()) if isinstance(value, dict) else value  # noqa: E731
    return [[name, [[key, pairs(value)] for key, value in options.items()]] for name, options in sections.items()]


def words(text: str) -> list | None:
    try:
        return shlex.split(text)
    except ValueError:
        return None


def proxy(variables: list, url: str) -> str | None:
    os.environ.clear()
    os.environ.update(variables)
    return ProxyConfiguration(get_environ_proxies(url)).proxy_url_for(url)


with tempfile.NamedTemporaryFile() as scratch, open(sys.argv[1], encoding="utf-8") as questions:
    for question in map(json.loads, questions):
        match question:
            case {"ini": text}:
                answer = ini(text, scratch.name)
            case {"words": text}:
                answer = words(text)
            case {"variables": variables, "url": url}:
                answer = proxy(variables, url)
        print(json.dumps(answer))
