"""What documents take on paper, by hand; and simulations beside what is known of queues."""

import pytest

from benchmarks.scale import (
    PAGE,
    Cluster,
    Constants,
    Model,
    plan,
    search_on_paper,
    simulated_encoding,
    simulated_search,
    tables,
)
from benchmarks.table import between_marks

MODEL = Model("m", flop_a_token=1e7, mass=4.0)
CONSTANTS = Constants(
    tokens=100,
    text_bytes=1000,
    impacts=200,
    core_flop_s=1e10,
    bulk_core_s=1e-3,
    posting_s=5e-9,
    posting_sigma=0.0,
    whole_bytes=15.0,
    compact_bytes=4.0,
    text_share=1.2,
    encoded_bytes=1000,
    gpu_flop_s_assumed=1e13,
    merge_s_assumed=0.0,
)


def test_a_plan_by_hand() -> None:
    found = plan(36_000_000, MODEL, CONSTANTS, Cluster(), compact=True)
    # 36e6 × 100 × 1e7 = 3.6e16 operations
    assert (found.gpu_hours, found.core_hours) == (1.0, 1000.0)
    assert found.files_bytes == 36e9
    assert found.index_core_hours == pytest.approx(20.0)  # 36,000 s, twice
    assert found.index_bytes == pytest.approx(36e6 * 2000)  # 800 of impacts, 1,200 of text
    assert (found.shards, found.nodes_for_disk) == (3, 1)
    assert found.query_core_s == pytest.approx(0.72)
    whole = plan(36_000_000, MODEL, CONSTANTS, Cluster(), compact=False)
    assert whole.index_bytes == pytest.approx(36e6 * 4200)


def test_a_query_alone_takes_what_paper_says() -> None:
    paper = search_on_paper(10_000_000, 10, MODEL, CONSTANTS)
    assert paper == pytest.approx(0.02)
    found = simulated_search(0.02, 10, 10, 0.1, CONSTANTS)
    # the slowest of ten shards, each within a tenth of 20 ms
    assert 0.02 < found.p50 < 0.022
    assert found.busy == pytest.approx(0.002, rel=0.1)


def test_a_single_core_is_the_queue_of_the_books() -> None:
    # M/D/1 at half of its capacity: the mean wait is half a service, the median wait less
    found = simulated_search(1.0, 1, 1, 0.5, CONSTANTS, n_queries=20_000)
    assert found.busy == pytest.approx(0.5, rel=0.03)
    assert 1.0 < found.p50 < 1.5 < found.p95 < 4.0


def test_files_on_machines_that_do_not_die_take_the_time_of_division() -> None:
    alive = Constants(gpu_flop_s_assumed=1e13, gpu_mtbf_s_assumed=1e12, tokens=100)
    found = simulated_encoding(40_000_000, 4, MODEL, alive)
    assert found.again == 0.0
    assert found.hours == pytest.approx(40e6 * 100 * 1e7 / 1e13 / 3600 / 4, rel=0.05)


def test_what_dies_is_done_again() -> None:
    dying = Constants(gpu_flop_s_assumed=1e13, gpu_mtbf_s_assumed=40.0, tokens=100)
    found = simulated_encoding(4_000_000, 4, MODEL, dying)  # 2 s a file
    assert 0.01 < found.again < 0.1


def test_the_page_has_these_tables() -> None:
    assert between_marks(PAGE).strip() == "\n\n".join(tables(Constants(), Cluster()))
