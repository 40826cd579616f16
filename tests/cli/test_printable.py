import json
import sys
from io import BytesIO, TextIOWrapper

import click
import pytest

from splare_os.cli.options import print_json
from splare_os.cli.printable import printable, show_what_streams_lack


@pytest.mark.parametrize("steering", ["\x00", "\x07", "\x1b", "\x7f", "\x9b", "\u202e", "\u2067"])
def test_what_steers_a_terminal_or_turns_a_line_is_left_out(steering: str) -> None:
    assert printable(f"a{steering}b") == "ab"


def test_of_a_long_text_the_beginning_is_shown() -> None:
    assert printable("u" * 2**20, 3) == "uu…"
    assert printable("uuu", 3) == "uuu"
    assert printable("שלום, 日本 — ok") == "שלום, 日本 — ok"


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_what_stdout_cannot_encode_is_an_escape_and_json_stays_json(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = BytesIO()
    monkeypatch.setattr("sys.stdout", TextIOWrapper(written, encoding=encoding, write_through=True))
    show_what_streams_lack()
    print_json({"text": "é, 日本 👍"})
    click.echo("日本")
    line, told = written.getvalue().decode(encoding).splitlines()
    assert json.loads(line) == {"text": "é, 日本 👍"}
    assert told == r"\u65e5\u672c"


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_stream_that_is_closed_loses_what_is_written(
    closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, closed, None)
    show_what_streams_lack()
    click.echo("lost", err=closed == "stderr")
    assert not getattr(sys, closed).isatty()
