import re

from splare_os.serve.metrics import Counter, Gauge, Histogram, Registry


def test_a_counter_counts_each_combination_of_labels() -> None:
    counter = Counter("n_total", "Told.", ["route", "status"])
    counter.add(1, "/a", "200")
    counter.add(2, "/a", "200")
    counter.add(1, '/"b"\\', "404")
    assert list(counter.lines()) == [
        "# HELP n_total Told.",
        "# TYPE n_total counter",
        'n_total{route="/a",status="200"} 3.0',
        'n_total{route="/\\"b\\"\\\\",status="404"} 1.0',
    ]


def test_buckets_count_what_is_at_most_their_bound() -> None:
    histogram = Histogram("s", "Told.", (1, 2))
    for value in (0.5, 1, 1.5, 9):
        histogram.observe(value)
    assert list(histogram.lines())[2:] == [
        's_bucket{le="1"} 2',
        's_bucket{le="2"} 3',
        's_bucket{le="+Inf"} 4',
        "s_sum 12.0",
        "s_count 4",
    ]


def test_a_gauge_is_asked_when_it_is_read() -> None:
    values = iter([1, 2])
    gauge = Gauge("g", "Told.", lambda: next(values), {"model": "mini"})
    assert [list(gauge.lines())[-1] for _ in range(2)] == ['g{model="mini"} 1', 'g{model="mini"} 2']


def test_all_metrics_are_lines_of_the_format() -> None:
    registry = Registry()
    registry.counter("a_total", "A.")
    registry.gauge("b", "B.", lambda: 1.5)
    registry.histogram("c", "C.", (0.1,))
    text = registry.text()
    assert text.endswith("\n")
    lines = text.splitlines()
    assert all(
        re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"\})? [\d.]+', line) for line in lines
    ), lines
    assert [line for line in lines if line.startswith("# TYPE")] == [
        "# TYPE a_total counter",
        "# TYPE b gauge",
        "# TYPE c histogram",
    ]
