import time

import pytest

from splare_os.index.stages import STAGES, Stages, bottleneck, shares


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def test_a_stage_inside_another_stops_that_ones_clock(clock):
    stages = Stages()
    with stages.in_stage("serialise"):
        clock[0] += 1
        with stages.in_stage("encode"):
            clock[0] += 5
        clock[0] += 2
    clock[0] += 9
    found = stages.seconds()
    assert (found["serialise"], found["encode"]) == (3.0, 5.0)
    assert found.keys() == set(STAGES)
    assert sum(found.values()) == 8.0


def test_a_stage_that_goes_on_counts_until_now(clock):
    stages = Stages()
    with stages.in_stage("cluster"):
        clock[0] += 4
        assert stages.seconds()["cluster"] == 4.0
        clock[0] += 1
    assert stages.seconds()["cluster"] == 5.0


def test_what_fails_is_counted_too(clock):
    stages = Stages()

    def fail() -> None:
        clock[0] += 2
        raise KeyError

    with pytest.raises(KeyError), stages.in_stage("read"):
        fail()
    assert stages.seconds()["read"] == 2.0


def test_of_no_time_there_are_no_shares_and_no_bottleneck():
    assert shares({"read": 1.0}, {"read": 1.0}, 0.0) == {}
    assert bottleneck({}) == bottleneck({"read": 0.0}) == ""
