"""The command line, run in this process."""

import io
import json

from click.testing import CliRunner, Result

from splare_os.cli.main import main


def run(*args: str, stdin: str | None = None) -> Result:
    lines = None if stdin is None else io.BufferedReader(io.BytesIO(stdin.encode()))
    return CliRunner().invoke(main, args, input=lines)


def json_lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]
