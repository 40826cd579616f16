from splare_os.layout.labels import Label
from splare_os.search.labels.scores import Scores


def test_means_are_of_what_was_measured() -> None:
    scores = Scores()
    assert (scores.told(), scores.figures()["score"]) == ("", None)
    scores.add([Label(1, "oil", "x", score=0.9, baseline=0.5), Label(2, "war", "x")])
    scores.add([Label(3, "river", "x", score=0.6, baseline=0.4), Label(4, "a", "x", score=0.1)])
    assert scores.labels == 4
    assert scores.figures() == {"measured": 2, "score": 0.75, "baseline": 0.45}
    assert scores.told() == "score 0.75, baseline 0.45"
