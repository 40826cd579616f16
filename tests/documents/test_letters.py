import json

import pytest

from splare_os.documents.sources import find_sources

from .reading import read, read_and_resumed


def save(tmp_path, *letters: object, name: str = "a.dead.jsonl") -> str:
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in letters]
    (tmp_path / name).write_bytes(b"".join(line + b"\n" for line in lines))
    return str(tmp_path / name)


def letter(document: object, **more: object) -> dict[str, object]:
    return (
        {"_id": None, "source": "a.jsonl", "line": 7, "reason": "no"}
        | {"document": document}
        | more
    )


def test_a_letter_is_the_document_that_it_holds(tmp_path):
    path = save(tmp_path, letter('{"_id": "7", "text": "x", "n": 1}'), b"", letter('{"_id": 8}'))
    first, second = read_and_resumed(path)
    assert (first.id, first.line, first.text) == ("7", 1, "x")
    assert first.body == {"text": "x", "n": 1}
    assert (second.id, second.line) == ("8", 3)


def test_what_was_no_document_is_none_still(tmp_path):
    found = read_and_resumed(save(tmp_path, letter('{"_id": '), letter("[]"), letter("1,a,b")))
    assert ["invalid JSON" in one.reason for one in found] == [True, False, True]
    assert found[1].reason == "not a JSON object but an array"


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"_id": "1", "text": "x"}', b"null"])
def test_what_is_no_letter_is_told(tmp_path, line):
    (one,) = read(save(tmp_path, line))
    assert one.reason.startswith("no dead letter: ")


def test_a_letter_of_a_backfill_is_told(tmp_path):
    (one,) = read(save(tmp_path, {"_id": "1", "index": "i", "document": {"text": 5}}))
    assert one.reason.startswith("a letter of a backfill: ")


def test_folders_and_patterns_pass_letters_over(tmp_path):
    save(tmp_path, letter("{}"))
    docs = save(tmp_path, {"_id": "1"}, name="docs.jsonl")
    letters = str(tmp_path / "a.dead.jsonl")
    assert find_sources([str(tmp_path)]) == [docs]
    assert find_sources([f"{tmp_path}/*.jsonl"]) == [docs]
    assert find_sources([f"{tmp_path}/*.dead.jsonl"]) == [letters]
    assert find_sources([letters]) == [letters]


def test_names_tell_letters_from_lines(tmp_path):
    (one,) = read(save(tmp_path, letter("{}"), name="a.jsonl"))
    assert one.reason == "no id: the key '_id' is missing or null"
