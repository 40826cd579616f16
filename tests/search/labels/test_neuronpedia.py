import gzip
import json
from pathlib import Path

import pytest

from splare_os.errors import LabelError
from splare_os.search.labels.neuronpedia import Explanation, read_export


def explained(index: object, description: object, **others: object) -> dict[str, object]:
    """Return a line as Neuronpedia's bucket has it."""
    return {
        "id": "cm0",
        "modelId": "gemma-2-2b",
        "layer": "6-gemmascope-res-65k",
        "index": index,
        "authorId": "x",
        "description": description,
        "embedding": "[0.1, 0.2]",
        "typeName": "oai_token-act-pair",
        "explanationModelName": "gpt-4o-mini",
        "umap_x": 0.0,
    } | others


LINES = [
    explained("3", " terms of  oil "),
    explained("3", "petroleum", explanationModelName="claude-opus"),
    explained("3", "terms of oil"),
    explained(7, "rivers"),
    explained("8", ""),
    explained("9", None),
]
BY_BUCKET = {
    3: [
        Explanation("claude-opus", "oai_token-act-pair", "petroleum"),
        Explanation("gpt-4o-mini", "oai_token-act-pair", "terms of oil"),
    ],
    7: [Explanation("gpt-4o-mini", "oai_token-act-pair", "rivers")],
}


def written(path: Path, lines: list[dict[str, object]]) -> str:
    text = "\n\n".join(map(json.dumps, lines)) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return str(path)


def test_a_folder_of_batches_is_one_export(tmp_path: Path) -> None:
    written(tmp_path / "batch-0.jsonl.gz", LINES[:2])
    written(tmp_path / "batch-1.jsonl", LINES[2:])
    export = read_export([str(tmp_path)], 10)
    assert export.source == "neuronpedia gemma-2-2b/6-gemmascope-res-65k"
    assert (export.explanations, export.n) == (BY_BUCKET, 3)


def test_an_array_of_the_api_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text(json.dumps(LINES, indent=1))
    assert read_export([str(tmp_path / "export.json")], 10).explanations == BY_BUCKET


def test_only_what_one_model_wrote(tmp_path: Path) -> None:
    source = written(tmp_path / "a.jsonl", LINES)
    export = read_export([source], 10, "claude-opus")
    assert export.explanations == {3: BY_BUCKET[3][:1]}
    with pytest.raises(LabelError, match="no explanation of 'gpt-5' is in there"):
        read_export([source], 10, "gpt-5")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (explained("10", "x"), "line 2: latent 10, and the model has 10: this export is of anoth"),
        (explained("a", "x"), "line 2: no explanation.*index is 'a'"),
        (explained("-1", "x"), "line 2: no explanation.*index is '-1'"),
        ({"index": "1", "pos_str": []}, "keys are index, pos_str.*download the folder expl"),
        (explained("1", "x", layer="7-x"), "several SAEs: gemma-2-2b/6-gemma.*gemma-2-2b/7-x"),
    ],
)
def test_what_is_no_such_export_is_told_with_its_place(
    tmp_path: Path, line: dict[str, object], message: str
) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text("\n".join(map(json.dumps, [LINES[0], line])))
    with pytest.raises(LabelError, match=message):
        read_export([str(source)], 10)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"index": ', "line 1: invalid JSON"),
        (b"[1, 2]", "element 1: not an object but '1'"),
        (b"", "no explanation is in there"),
        (gzip.compress(b"x" * 99, mtime=0)[:-9], "cannot be read: gzip stream"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    source = tmp_path / "a.jsonl"
    source.write_bytes(content)
    with pytest.raises(LabelError, match=message):
        read_export([str(source)], 10)
