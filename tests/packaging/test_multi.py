"""The distribution of the multilingual model."""

from configparser import ConfigParser

import pytest

from splare_os import __version__
from splare_os.encode import load_encoder
from splare_os.encode.card import fingerprint, read_card
from splare_os.index import IngestOptions, ingest
from splare_os.search import SplareOpenSearch

from .conftest import ROOT

PACKAGE = ROOT / "packages" / "splare-os-multi"
MODEL = PACKAGE / "splare_os_multi" / "model"
MOST_BYTES = 90_000_000


def test_its_version_is_that_of_the_package_that_asks_for_it() -> None:
    settings = ConfigParser()
    settings.read(PACKAGE / "setup.cfg", encoding="utf-8")
    assert settings["metadata"]["version"] == __version__
    ours = ConfigParser()
    ours.read(ROOT / "setup.cfg", encoding="utf-8")
    assert f"splare-os-multi>={__version__}" in ours["options.extras_require"]["multi"]


def test_the_model_is_whole_and_small_enough() -> None:
    card = read_card(MODEL)
    assert card is not None
    assert (card.name, card.fingerprint) == ("multi", fingerprint(MODEL, card))
    assert sum(path.stat().st_size for path in MODEL.rglob("*")) <= MOST_BYTES
    assert (MODEL / "README.md").is_file()


QUESTIONS = {
    "wer hat beim Sturz der Aktien Geld verloren": "Black Tuesday",
    "¿quién perdió dinero cuando cayeron las acciones?": "Black Tuesday",
    "кто потерял деньги, когда упали акции": "Black Tuesday",
    "من خسر المال عندما انخفضت الأسهم": "Black Tuesday",
    "动物的伪装": "Octopuses",
    "動物の擬態": "Octopuses",
    "शेयर गिरने पर किसने पैसा खोया": "Black Tuesday",
    "why does dough grow": "Sourdough",
}


@pytest.mark.opensearch
def test_questions_find_their_answers_in_another_language(cluster_url: str, index: str) -> None:
    multi = load_encoder("multi", device="cpu", dtype="float32")
    documents = str(ROOT / "examples" / "documents.jsonl")
    with SplareOpenSearch(cluster_url, encoder=multi) as client:
        outcomes = ingest(client, multi, [documents], IngestOptions(index=index))
        assert [one.status for one in outcomes] == ["indexed"] * 12
        found = {}
        for question in QUESTIONS:
            reply = client.search(index=index, body={"query": {"splare": {"text": question}}})
            found[question] = reply["hits"]["hits"][0]["_source"]["title"]
    assert found == QUESTIONS
