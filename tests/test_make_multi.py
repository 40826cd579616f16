"""The recipe of the multilingual model, on a toy budget: one command, three stages."""

import json
import subprocess
import sys
from collections import Counter
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from splare_os.encode.load import load_encoder
from tests.evaluate.folders import save_folder, write
from tests.train.trim.small import save_unigram_model

SCRIPTS = Path(__file__).parent.parent / "scripts"
SCRIPT = SCRIPTS / "make-multi"
TRIM = "--rows 36"
SAE = "--layer 1 --width 40 --k 3 --tokens 2560 --states 2000 --batch 128 --window 32"
SAE += " --held-out 100 --embedding-bits 8"
DISTILL = "--steps 2 --batch 6 --held-out 1 --max-tokens 16 --rank 2"
WORDS = ("the oil", "price of oil", "the sea", "oil at sea")


def loaded(name: str) -> ModuleType:
    loader = SourceFileLoader(name.replace("-", "_"), str(SCRIPTS / name))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    made = module_from_spec(spec)
    loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return loaded("make-multi")


@pytest.fixture(scope="module")
def pairs() -> ModuleType:
    return loaded("multi-pairs")


@pytest.fixture
def data(tmp_path: Path, script: ModuleType, pairs: ModuleType) -> Path:
    texts = tmp_path / "texts"
    english = [{"text": f"{WORDS[n % 4]} {n % 7} {n}"} for n in range(30)]
    for name in script.ENGLISH:
        write(texts / f"{name}.jsonl.gz", [dict(one) for one in english])
    for name in pairs.FILES:
        asked = [{"query": f"price {n}", "positive": f"the price of oil {n}"} for n in range(3)]
        write(texts / f"{name}.pairs.jsonl.gz", [dict(one) for one in asked])
    for name in script.CORPORA:
        write(tmp_path / "data" / name / "corpus.jsonl.gz", [{"_id": "1", "text": "the sea"}])
    for source in pairs.DATA_SETS:
        name, _, split = source.partition(":")
        save_folder(tmp_path / "data" / name, qrels=f"qrels/{split}.tsv", suffix=".jsonl.gz")
    for name in script.COUNTED:
        write(tmp_path / "data" / name / "queries.jsonl.gz", [{"_id": "1", "text": "das meer"}])
    for language in ("de", "es"):
        passages = [{"title": language, "text": f"das meer {language} {n}"} for n in range(40)]
        write(texts / "multilingual" / f"help.{language}.jsonl.gz", [dict(p) for p in passages])
    translated = [
        {"query": f"{lang} {n}", "positive": f"sea {n}", "query_lang": lang, "positive_lang": "en"}
        for lang in ("de", "es")
        for n in range(160)
    ]
    write(texts / "multilingual" / "help.pairs.jsonl.gz", [dict(one) for one in translated])
    return tmp_path


def test_texts_are_collected_by_language(data: Path, tmp_path: Path, script: ModuleType) -> None:
    texts = script.collected(data, tmp_path / "read")
    assert [*texts] == ["de", "es"]
    read = [json.loads(line)["text"] for line in Path(texts["de"]).read_text("utf-8").splitlines()]
    assert len(read) == len(set(read)) == 200  # passages with their titles, and queries
    assert {"de das meer de 7", "de 7"} <= set(read)


def test_pairs_are_translations_both_ways_and_across_but_for_the_unseen_languages(
    data: Path, tmp_path: Path, pairs: ModuleType
) -> None:
    file = data / "texts" / "multilingual" / "help.pairs.jsonl.gz"
    lines = pairs.translations(file, ["es"])
    assert {line["query_lang"] for line in lines} == {"de"}
    assert len(lines) == 160
    both = pairs.translations(file, [])
    assert Counter(line["query_lang"] for line in both) == {"de": 160, "es": 160}
    kinds = pairs.by_kind("help", both)
    assert [len(kinds[kind]) for kind in kinds] == [300, 20, 160]
    assert all(query.split()[1] == positive.split()[1] for query, positive in kinds["help.across"])
    assert {tuple(sorted(one[:2] for one in pair)) for pair in kinds["help.across"]} == {
        ("de", "es")
    }
    assert kinds["help.back"][0][0].startswith("sea ")
    assert [*pairs.by_kind("help-headings", both)] == ["help-headings"]


@pytest.mark.slow
def test_one_command_makes_the_model_without_the_unseen_languages(
    data: Path, tmp_path: Path
) -> None:
    save_unigram_model(tmp_path / "teachers" / "multilingual-e5-small")
    where = ["--out", str(tmp_path / "multi"), "--teachers", str(tmp_path / "teachers")]
    what = ["--trim", TRIM, "--sae", SAE, "--distill", DISTILL, "--unseen", "es"]
    command = [sys.executable, str(SCRIPT), str(data), *where, *what]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    trimmed, trained, distilled = map(json.loads, done.stdout.splitlines())
    assert distilled["pairs"] == 160  # of German, in English; of all others there are too few
    assert distilled["figures"]["temperature"] > 0
    assert (trimmed["rows"], trained["n_bad_lines"]) == (36, 0)
    assert "es.jsonl" in done.stderr  # its words are counted
    commands = [line for line in done.stderr.splitlines() if line.startswith("splare-os train")]
    _, sae, _ = commands
    assert "de.jsonl" in sae
    assert "es.jsonl" not in sae
    multi = load_encoder(str(tmp_path / "multi"))
    assert (multi.name, multi.document_top_k) == ("multi", 200)
    assert (tmp_path / "multi" / "embedding.safetensors").is_file()
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert again.stdout == ""


def test_what_is_not_there_is_named(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(data), "--out", str(tmp_path / "multi")]
    done = subprocess.run(
        [*command, "--teachers", str(tmp_path)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "multilingual-e5-small is no model folder: scripts/fetch-teachers" in done.stderr
