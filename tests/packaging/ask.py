"""Asks the command line each line of stdin, and prints a line of JSON: what came of it."""

import json
import shlex
import sys

from click.testing import CliRunner

from splare_os.cli import main

for line in sys.stdin:
    result = CliRunner().invoke(main, shlex.split(line))
    error = None if isinstance(result.exception, SystemExit) else result.exception
    answer = {"exit_code": result.exit_code, "stderr": result.stderr, "crash": repr(error or "")}
    print(json.dumps(answer))
