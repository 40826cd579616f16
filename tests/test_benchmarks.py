import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.overhead import WAYS, told
from benchmarks.pairs import of_pairs, speed_up
from benchmarks.table import BEGIN, END, write_table
from tests.models import build_tiny

ROOT = Path(__file__).parents[1]


def test_seven_pairs_have_their_extremes_as_interval_and_more_pairs_a_narrower_one() -> None:
    assert str(of_pairs([2.0, 1.0, 3.0, 2.5, 1.5, 2.2, 1.8])) == "2.00 [1.00, 3.00]"
    found = of_pairs([float(number) for number in range(1, 21)])
    assert (found.median, found.low, found.high) == (10.5, 6.0, 15.0)


def test_both_systems_encode_every_slice_and_take_turns_to_begin() -> None:
    seen: list[tuple[str, str]] = []
    speed_up(
        lambda texts: seen.append(("slow", texts[0])),
        lambda texts: seen.append(("fast", texts[0])),
        [["a"], ["b"]],
    )
    assert seen == [("fast", "a"), ("slow", "a"), ("slow", "b"), ("fast", "b")]


def test_what_a_client_adds_is_the_median_of_differences_pair_by_pair() -> None:
    theirs = [1.0, 5.0, 2.0, 9.0, 3.0, 4.0, 2.0]
    ours = [1.3, 5.1, 2.2, 9.9, 3.3, 4.4, 2.5]
    lines = told({"opensearch-py": theirs, "SplareOpenSearch": ours})
    assert [line["search"] for line in lines] == [*WAYS, "what ours adds"]
    assert (lines[0]["p50 ms"], lines[1]["p50 ms"]) == (3.0, 3.3)
    assert lines[2]["ms"] == "0.30 [0.10, 0.90]"


def test_a_table_replaces_what_is_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    kept = "### gemma; a GPU\n\n| figure |\n|---|\n| kept |\n"
    page.write_text(f"before\n{BEGIN}\nold\n{kept}{END}\nafter\n")
    figure = {"case": "mini", "figure": "speed", "value": "2.0", "note": "≥ 1"}
    write_table(page, [figure], "cpu")
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "| speed | 2.0 | ≥ 1 |" in text
    assert kept in text
    assert "old" not in text
    write_table(page, [figure | {"value": "3.0"}], "cpu")
    again = page.read_text(encoding="utf-8")
    assert again == text.replace("| speed | 2.0 |", "| speed | 3.0 |")
    page.write_text("no marks")
    with pytest.raises(ValueError, match="lacks the lines"):
        write_table(page, [figure], "cpu")


@pytest.mark.slow
def test_the_command_compares_systems_on_a_tiny_shape(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "qrels").mkdir(parents=True)
    texts = [f"the heart pumps blood number {number}" for number in range(70)]
    lines = [json.dumps({"_id": str(n), "text": text}) for n, text in enumerate(texts)]
    (data / "corpus.jsonl").write_text("\n".join(lines))
    (data / "queries.jsonl").write_text("\n".join(lines[:3]))
    (data / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\n" + "".join(f"{n}\t{n}\t1\n" for n in range(3))
    )
    options = ("--work", tmp_path / "work", "--cases", "gemma", "--tiny", "--pairs", "2")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.encode", data, *options],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    figures = [json.loads(line)["figure"] for line in done.stdout.splitlines()]
    assert "against (a), both in bfloat16" in figures
    assert "peak memory to (a)'s" in figures


@pytest.mark.slow
def test_the_command_of_serving_prints_each_figure(tmp_path: Path) -> None:
    build_tiny(tmp_path / "bert").save(tmp_path / "model")
    options = ("--texts", "14", "--queries", "28", "--model", tmp_path / "model")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.serve", *options],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    _, *lines = map(json.loads, done.stdout.splitlines())
    figures = [line["figure"] for line in lines]
    assert figures == ["latency", *["throughput"] * 7, *["parts"] * 2, *["batching"] * 2]
    assert lines[0]["queries"] == 28


@pytest.mark.slow
def test_the_command_of_a_requests_cost_tells_servers_apart() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.request_cost", "--requests", "128", "--other", ROOT],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    lines = {line["served"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert list(lines) == ["ours", "constant", "other"]
    assert lines["ours"]["ours_to_it"] == "1.00 [1.00, 1.00]"
    assert all(line["server_us"] > 0 and line["clients_us"] > 0 for line in lines.values())
    assert float(lines["constant"]["ours_to_it"].split()[0]) > 1


@pytest.mark.slow
@pytest.mark.opensearch
def test_the_command_of_native_ingest_prints_its_share(tmp_path: Path) -> None:
    build_tiny(tmp_path / "bert").save(tmp_path / "model")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.native",
            "--documents",
            "24",
            "--model",
            tmp_path / "model",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    found = json.loads(done.stdout)
    assert (found["figure"], found["documents_a_pair"]) == ("native ingest", 3)
    assert float(found["share_of_worker"].split()[0]) > 0
