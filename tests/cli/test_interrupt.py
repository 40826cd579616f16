"""Signals to `splare-os index` and `backfill`, whose cluster says nothing any more."""

import json
import signal
import time
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.cli.interrupt import SIGNALS, Interrupted, interruptible
from tests.cli.running import SOON_S, json_lines, run, started, wait_for
from tests.index import faults
from tests.index.chaos import proxied
from tests.index.proxy import Fault, Request, Rule, passed

pytestmark = pytest.mark.opensearch

N = 700


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "docs.jsonl"
    lines = ({"_id": f"d{k}", "text": f"oil crisis {k}"} for k in range(N))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def stalling(kind: str, number: int) -> Rule:
    def rule(request: Request) -> Fault:
        is_hit = request.kind == kind and request.number >= number
        return faults.stalled if is_hit else passed

    return rule


@pytest.mark.usefixtures("hangups_heard")
@pytest.mark.parametrize(
    ("kind", "number", "by"),
    [
        ("POST _bulk", 2, signal.SIGINT),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in [
                ("GET _mapping", 0, signal.SIGTERM),
                ("info", 1, signal.SIGINT),
                ("POST _bulk", 0, signal.SIGTERM),
                ("GET _settings", 2, signal.SIGINT),
                ("POST _refresh", 0, signal.SIGHUP),
            ]
        ),
    ],
)
def test_a_run_ends_soon_and_the_same_command_goes_on(
    model: str,
    cluster_url: str,
    client: OpenSearch,
    index: str,
    source: str,
    kind: str,
    number: int,
    by: signal.Signals,
) -> None:
    with proxied(cluster_url, stalling(kind, number)) as proxy:
        options = ["--index", index, "--model", model, "--url", proxy.url]
        with started("index", source, *options) as process:
            wait_for(proxy, kind, number)
            process.send_signal(by)
            _, told = process.communicate(timeout=SOON_S)
        assert process.returncode == 128 + by
        assert told.splitlines()[-1] == "stopped; the same command goes on from here"
        assert "Traceback" not in told
        proxy.released.set()
        proxy.rule = lambda _: passed
        again = run("index", source, *options)
    counts = json_lines(again.stdout)[0]
    assert counts["indexed"] + counts["unchanged"] == N
    client.indices.refresh(index=index)
    assert client.count(index=index)["count"] == N


def test_a_second_signal_ends_it_at_once(
    model: str, cluster_url: str, index: str, source: str
) -> None:
    with proxied(cluster_url, stalling("POST _bulk", 0)) as proxy:
        with started(
            "index", source, "--index", index, "--model", model, "--url", proxy.url
        ) as process:
            wait_for(proxy, "POST _bulk", 0)
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=SOON_S)
        assert process.returncode == -signal.SIGINT


@pytest.mark.parametrize(
    "kind",
    ["POST _refresh", pytest.param("probe", marks=pytest.mark.slow)],  # a bulk of updates
)
def test_a_backfill_ends_soon(
    model: str, cluster_url: str, client: OpenSearch, index: str, kind: str
) -> None:
    client.index(index=index, id="a", body={"text": "oil"}, refresh=True)
    with proxied(cluster_url, stalling(kind, 0)) as proxy:
        options = ["--index", index, "--model", model, "--url", proxy.url]
        with started("backfill", *options) as process:
            wait_for(proxy, kind, 0)
            process.send_signal(signal.SIGTERM)
            _, told = process.communicate(timeout=SOON_S)
        assert process.returncode == 128 + signal.SIGTERM
        assert "Traceback" not in told
        proxy.released.set()
        proxy.rule = lambda _: passed
        again = run("backfill", *options)
    assert again.exit_code == 0
    assert client.get(index=index, id="a")["_source"]["text_splare"]["count"]


def test_a_backfill_that_watches_ends_with_its_counts(
    model: str, cluster_url: str, client: OpenSearch, index: str
) -> None:
    client.index(index=index, id="a", body={"text": "oil"}, refresh=True)
    options = ["--index", index, "--model", model, "--url", cluster_url]
    with started("backfill", "--watch", *options) as process:
        end = time.monotonic() + 60
        while "text_splare" not in client.get(index=index, id="a")["_source"]:
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        counts, _ = process.communicate(timeout=SOON_S)
    assert process.returncode == 0
    assert json_lines(counts)[0]["indexed"] == 1


def test_what_a_process_was_started_to_ignore_stays_ignored() -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with interruptible():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            with pytest.raises(Interrupted) as caught:
                signal.raise_signal(signal.SIGTERM)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert caught.value.code == 128 + signal.SIGTERM
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
