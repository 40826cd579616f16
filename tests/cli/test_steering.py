"""Options of `splare-os search` that steer."""

from pathlib import Path
from typing import Any

import pytest
from click import UsageError
from opensearchpy import OpenSearch

from splare_os.cli.steering import Steered
from splare_os.encode import load_encoder
from splare_os.errors import SteeringError
from splare_os.impacts import to_features
from splare_os.search import Examples, Reference, SearchOptions, Steering
from tests.cli.running import json_lines, run
from tests.hashing import HashEncoder

LINES = [
    '{"_id": "a", "text": "oil crisis"}',
    '{"_id": "b", "text": "river"}',
    '{"_id": "c", "text": "price of oil"}',
]

PLAIN = SearchOptions()


def chosen(**options: Any) -> dict[str, Any]:
    return {"steer": None, "steering": None, "like": (), "unlike": (), **options}


def test_examples_are_texts_ids_and_json() -> None:
    values = ("a text", "id:7", '{"_id": "8", "_index": "papers"}', '"id: a text"')
    found = Steered.read(chosen(like=values, unlike=("id:a/9",)), "oil")
    assert found.examples == Examples(
        like=("a text", Reference("7"), Reference("8", "papers"), "id: a text"),
        unlike=(Reference("a/9"),),
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"like": ("{oil}",)}, "'{oil}' begins like JSON, and is none"),
        ({"like": ("id:",)}, "like has {'_id': ''}: give a text"),
        ({"like": ('{"id": 1}',)}, "like has {'id': 1}: give a text"),
        ({"steer": "12"}, "'12': write N=F to boost latent N"),
        ({"steer": ""}, "'': write N=F"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Steered.read(chosen(**options), "oil")


def test_a_profile_is_named_behind_an_at(tmp_path: Path) -> None:
    path = tmp_path / "steering.toml"
    path.write_text('fingerprint = "0123456789abcdef"\n[profiles.news]\nmute = [7]\n')
    found = Steered.read(chosen(steer="@news", steering=str(path)), "oil")
    assert found.options(PLAIN, HashEncoder()).steer == Steering(mute=(7,))
    with pytest.raises(SteeringError, match="whose latents mean other things"):
        found.options(PLAIN, HashEncoder(fingerprint="fedcba9876543210"))


def test_a_broken_file_is_no_matter_where_no_profile_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "steering.toml"
    path.write_text("broken")
    assert Steered.read(chosen(steer="-7", steering=str(path)), "oil").steer == Steering(mute=(7,))
    with pytest.raises(SteeringError, match="steering file"):
        Steered.read(chosen(steer="@news", steering=str(path)), "oil")


def test_a_latent_beyond_the_model_is_refused_before_there_is_a_cluster() -> None:
    with pytest.raises(ValueError, match="latent 512: the model has latents 0 to 511"):
        Steered.read(chosen(steer="-512"), "oil").options(PLAIN, HashEncoder())


def test_without_a_query_there_has_to_be_something_to_be_like() -> None:
    with pytest.raises(UsageError, match="Missing argument 'QUERY': give one, or --like"):
        Steered.read(chosen(unlike=("oil",)), None)
    assert Steered.read(chosen(like=("oil",)), None).query == ""
    result = run("search", "--index", "papers")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Missing argument 'QUERY'" in result.stderr


@pytest.mark.opensearch
def test_the_command_steers(
    model: str, cluster_url: str, client: OpenSearch, index: str, tmp_path: Path
) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text("\n".join(LINES))
    common = ["--index", index, "--model", model, "--url", cluster_url]
    assert run("index", str(path), *common).exit_code == 0

    def ids(*arguments: str) -> list[object]:
        result = run("search", *arguments, *common)
        assert result.exit_code == 0, result.stderr
        return [hit["_id"] for hit in json_lines(result.stdout)]

    latents = to_features(load_encoder(model).encode_whole_queries(["oil"]))
    muted = ",".join(f"-{latent}" for latent in latents)
    assert ids("oil", "--steer", muted) == []
    assert "a" not in ids("--like", "id:a")
    assert ids("--like", "river", "--size", "1") == ["b"]
    plain, less = ids("oil"), ids("oil", "--unlike", "id:a")
    assert plain.index("a") <= less.index("a")
    refused = run("search", "--like", "id:z", *common)
    assert refused.exit_code == 1
    assert "there is no document 'z'" in refused.stderr
