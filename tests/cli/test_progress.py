import io
import sys

import pytest

from splare_os.cli import progress
from splare_os.index.snapshot import Counters, Snapshot

COUNTERS = Counters(
    outcomes={"indexed": 90, "dead": 10}, in_flight=3, resent=7, done=0.25, sent_bytes=2**20
)


def snapshot(counters: Counters, *, eta_s: float | None = None, bottleneck: str = "") -> Snapshot:
    return Snapshot(0.0, 1.0, counters, 100.0, 1.5, {}, bottleneck, eta_s)


def test_a_line_tells_what_holds_a_run_up_and_what_went_wrong():
    told = progress.told(snapshot(COUNTERS, eta_s=90.0, bottleneck="encode"))
    assert told.split(", ") == [
        *("25%", "1 min 30 s left", "1.5 MB/s", "3 in flight", "7 resent", "10 dead"),
        "most: encode",
    ]


def test_what_is_not_known_or_never_happened_takes_no_room():
    assert progress.told(snapshot(Counters())) == "1.5 MB/s, 0 in flight"


class Run:
    """Three documents, of a job that had done ten before."""

    client, n_done_before = None, 10

    def __iter__(self):
        yield from range(3)

    def counters(self) -> Counters:
        return COUNTERS


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("screen", [Terminal, io.StringIO])
def test_a_bar_is_drawn_on_a_terminal_alone(monkeypatch, screen):
    monkeypatch.setattr(sys, "stderr", screen())
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    progress.draw(Run(), "papers")
    drawn = sys.stderr.getvalue()
    if screen is Terminal:
        assert "papers: 13 docs" in drawn
        assert "3 in flight, 7 resent, 10 dead" in drawn
    else:
        assert drawn == ""
