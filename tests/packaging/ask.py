"""Asks the command line each line of stdin, and prints a line of JSON: what came of it."""

import json
import shlex
import sys

from click.testing import CliRunner

from splare_os.cli import main


def answer(line: str) -> dict[str, str | int]:
    result = CliRunner().invoke(main, shlex.split(line))
    error = None if isinstance(result.exception, SystemExit) else result.exception
    told = {"stdout": result.stdout, "stderr": result.stderr, "crash": repr(error or "")}
    return {"exit_code": result.exit_code} | told


if __name__ == "__main__":
    for asked in sys.stdin:
        print(json.dumps(answer(asked)))
