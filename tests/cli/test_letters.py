from pathlib import Path

import pytest

from splare_os.cli.letters import tell_dead


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            '{"_id": null, "source": "a.csv", "line": 7, "reason": "no \\u001b[1m id"}',
            ", such as a.csv:7 (no [1m id)",
        ),
        ('{"_id": "k", "index": "i", "reason": "a number"}', ", such as k (a number)"),
        ("", ""),
        ("[]", ""),
    ],
)
def test_the_first_reason_is_told_where_it_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, told: str
) -> None:
    file = tmp_path / "a.dead.jsonl"
    file.write_text(f"{line}\n")
    tell_dead(3, [file])
    file.unlink()
    tell_dead(3, [file])
    ends = (f"3 failed{told}, with reasons in {file}", f"3 failed, with reasons in {file}")
    assert capsys.readouterr().err.splitlines() == list(ends)
