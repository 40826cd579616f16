"""The command line, run in this process."""

import json

from click.testing import CliRunner, Result

from splare_os.cli.main import main


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, args, input=stdin)


def json_lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]
