import gzip
import json
from pathlib import Path

import pytest

from splare_os.documents.fields import Fields
from splare_os.errors import JobError
from splare_os.train.texts import draw_texts


def write(path: Path, documents: list[object]) -> str:
    lines = [d if isinstance(d, str) else json.dumps(d) for d in documents]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def test_texts_are_those_that_index_encodes(tmp_path: Path) -> None:
    zipped = tmp_path / "b.jsonl.gz"
    zipped.write_bytes(gzip.compress(b'{"_id": 1, "body": "river"}\n'))
    source = write(tmp_path / "a.jsonl", [{"_id": "a", "title": "Oil", "body": " crisis "}])
    fields = Fields(text="body")
    assert draw_texts([source, str(zipped)], fields, max_chars=99) == ["Oil  crisis", "river"]


def test_bad_lines_are_told_of_and_an_id_is_not_needed(tmp_path: Path) -> None:
    lines = [{"text": "oil"}, "{", {"text": {"no": 1}}, {"text": ""}, "[]", {"text": "war"}]
    source = write(tmp_path / "a.jsonl", lines)
    rejected = []
    assert draw_texts([source], Fields(), max_chars=99, reject=rejected.append) == ["oil", "war"]
    assert [(d.source, d.line) for d in rejected] == [(source, 2), (source, 3), (source, 5)]
    assert "invalid JSON" in rejected[0].reason
    assert rejected[1].reason == "field 'text' is an object: it has to be a string, or some"


def test_of_each_file_texts_are_drawn_until_they_hold_the_characters(tmp_path: Path) -> None:
    texts = [f"{n:03}" * 4 for n in range(100)]
    sources = [
        write(tmp_path / f"{name}.jsonl", [{"text": name + text} for text in texts])
        for name in "ab"
    ]
    drawn = draw_texts(sources, Fields(), max_chars=130)
    assert [text[0] for text in drawn] == ["a"] * 10 + ["b"] * 10  # 13 characters each
    assert drawn == sorted(drawn)
    assert draw_texts(sources, Fields(), max_chars=130) == drawn
    assert draw_texts(sources, Fields(), max_chars=130, seed=1) != drawn
    assert {text[1:] for text in drawn[:10]} != {text[1:] for text in drawn[10:]}


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no such file"):
        draw_texts([str(tmp_path / "none.jsonl")], Fields(), max_chars=9)
    with pytest.raises(ValueError, match="max_chars=0"):
        draw_texts([write(tmp_path / "a.jsonl", [])], Fields(), max_chars=0)
