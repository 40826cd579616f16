"""Reports of a run: in Prometheus' format, in the log, and as documents of a real cluster."""

import json
import logging
import re
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from splare_os.errors import JobError
from splare_os.index import BackfillOptions, IngestOptions, backfill, ingest
from splare_os.index.report import (
    ReportOptions,
    index_snapshot,
    metrics,
    ops_template,
    reported,
    snapshot_body,
)
from splare_os.index.snapshot import Counters, Snapshot, Watch
from tests.hashing import HashEncoder

FILE = Path(__file__).parents[2] / "mappings" / "splare-ops.json"

COUNTERS = Counters(
    job="i-abc",
    index='a "quoted"\\ one',
    model="mini",
    outcomes={"indexed": 7, "dead": 1},
    read_bytes=10,
    sent_bytes=20,
    requests=3,
    resent=2,
    in_flight=4,
    done=0.25,
    dead_reasons={"invalid JSON": 1},
)
SNAPSHOT = Snapshot(1000.5, 10.0, COUNTERS, 0.8, 0.1, {"encode": 0.75}, "encode", 30.0)

SAMPLE = re.compile(r'^(splare_ingest_\w+)\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)+)\} (\S+)$')


def test_metrics_are_in_the_text_format():
    families: dict[str, str] = {}
    samples = []
    for line in metrics(SNAPSHOT).splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in families
            families[name] = kind
        elif not line.startswith("# HELP "):
            match = SAMPLE.match(line)
            assert match, line
            assert match[1] in families
            samples.append((match[1].removeprefix("splare_ingest_"), match[2], float(match[3])))
    place = r'job="i-abc",index="a \"quoted\"\\ one"'
    assert ("documents_total", place + ',outcome="indexed"', 7.0) in samples
    assert ("busy_ratio", place + ',stage="encode"', 0.75) in samples
    assert ("eta_seconds", place, 30.0) in samples
    assert families["splare_ingest_documents_total"] == "counter"
    assert families["splare_ingest_in_flight_chunks"] == "gauge"


def test_what_nobody_knows_is_left_out():
    told = metrics(Snapshot(0.0, 0.0, Counters(), 0.0, 0.0, {}, "", None))
    assert "done_ratio" not in told
    assert "eta_seconds" not in told


def test_the_mapping_is_that_file_and_knows_every_key():
    template = ops_template()
    assert template == json.loads(FILE.read_bytes())
    assert snapshot_body(SNAPSHOT).keys() == template["template"]["mappings"]["properties"].keys()


def test_dead_letters_are_told_by_reason():
    assert snapshot_body(SNAPSHOT)["dead_reasons"] == [{"reason": "invalid JSON", "documents": 1}]


def test_a_run_that_has_not_begun_tells_the_cluster_nothing():
    snapshot = Snapshot(0.0, 0.0, Counters(index="a"), 0.0, 0.0, {}, "", None)
    index_snapshot(OpenSearch("http://127.0.0.1:9"), "a-ops", snapshot)  # nobody is there to ask


def test_an_interval_is_one():
    with pytest.raises(ValueError, match="every_s=0"):
        ReportOptions(every_s=0)


@pytest.mark.parametrize("name", [str, Path])
def test_a_file_that_cannot_be_written_is_told_at_once(tmp_path, name):
    options = ReportOptions(metrics_file=name(tmp_path / "none" / "m.prom"))
    with (
        pytest.raises(JobError, match="Name one that can be written"),
        reported(OpenSearch(), Watch(Counters), options),
    ):
        pass


@pytest.mark.opensearch
def test_a_run_tells_file_log_and_cluster(client, index, write, tmp_path, caplog):
    source = write([{"_id": f"d{k}", "text": f"ants {k}"} for k in range(300)] + [b"{"])
    run = ingest(client, HashEncoder(), [source], IngestOptions(index, state_folder=tmp_path))
    options = ReportOptions(tmp_path / "m.prom", f"{index}-ops", every_s=0.05)
    caplog.set_level(logging.INFO, logger="splare_os")  # a command may have set another
    with reported(client, Watch(run.counters), options):
        list(run)
    text = (tmp_path / "m.prom").read_text()
    (job,) = set(re.findall(r'job="([^"]+)"', text))
    assert f'{{job="{job}",index="{index}",outcome="indexed"}} 300\n' in text
    assert 'outcome="dead"} 1\n' in text
    assert re.search(
        r"documents=301 per_s=\S+ mb_per_s=\S+ in_flight=0 resent=0 dead=1", caplog.text
    )
    client.indices.refresh(index=f"{index}-ops")
    body = {"sort": {"@timestamp": "desc"}, "query": {"term": {"job": job}}}
    hits = client.search(index=f"{index}-ops", body=body)["hits"]["hits"]
    last = hits[0]["_source"]
    assert (last["documents"], last["outcomes"]["indexed"], last["done"]) == (301, 300, 1.0)
    (dead,) = last["dead_reasons"]
    assert dead["reason"].startswith("invalid JSON: ")
    assert dead["documents"] == 1
    assert last["sent_bytes"] > 0
    assert last["requests"] >= 1


@pytest.mark.opensearch
def test_a_backfill_tells_the_same(client, index, tmp_path):
    for k in range(30):
        client.index(index=index, id=str(k), body={"text": f"ants {k}"})
    options = BackfillOptions(index, share=1.0, state_folder=tmp_path)
    run = backfill(client, HashEncoder(), options)
    watch = Watch(run.counters)
    list(run)
    snapshot = watch.take()
    assert snapshot.counters.outcomes["indexed"] == 30
    assert (snapshot.counters.done, snapshot.counters.index) == (1.0, index)
    assert sum(snapshot.counters.stages.values()) > 0


@pytest.mark.opensearch
def test_a_report_that_fails_ends_no_run_and_is_told_once(client, index, tmp_path, caplog):
    client.indices.create(index=f"{index}-ops", body={"settings": {"index.blocks.write": True}})
    options = ReportOptions(index=f"{index}-ops", every_s=0.01)
    with reported(client, Watch(lambda: COUNTERS), options):
        for _ in range(20):  # while there are several reports
            client.info()
    assert caplog.text.count("reports fail from now on") == 1
    client.indices.put_settings(index=f"{index}-ops", body={"index.blocks.write": None})
