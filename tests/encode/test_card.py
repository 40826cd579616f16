import json
from pathlib import Path

import pytest

from splare_os.encode.card import Card, read_card
from splare_os.errors import EncoderError


def test_a_card_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    content = {"name": "x", "window": 8, "colour": "red"}
    (tmp_path / "splare.json").write_text(json.dumps(content))
    with pytest.raises(EncoderError, match=r"unknown keys \['colour'\]"):
        read_card(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0}, "window=0: must be at least 1"),
        ({"window": 32, "query_top_k": 0}, "query_top_k=0: must be at least 1"),
        ({"window": 32, "overlap": 16}, "overlap=16: must be at least 0 and under half"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Card("x", **settings)
