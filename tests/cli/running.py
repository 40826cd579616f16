"""The command line, run in this process or in one of its own."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from click.testing import CliRunner, Result

from splare_os.cli.main import main
from tests.index.proxy import Proxy

SOON_S = 20.0
"""Far from the 60 s that a request is waited for, and from what it takes on a busy machine."""


def run(*args: str, stdin: str | None = None) -> Result:
    lines = None if stdin is None else io.BufferedReader(io.BytesIO(stdin.encode()))
    return CliRunner().invoke(main, args, input=lines)


def json_lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "splare_os", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(proxy: Proxy, kind: str, number: int) -> None:
    end = time.monotonic() + 60
    while proxy.seen.count(kind) <= number:
        assert time.monotonic() < end, f"no {kind} in {proxy.seen}"
        time.sleep(0.02)
