import numpy as np

from splare_os.layout.spectrum import POINTS, spectrum


def test_ranks_fall_and_end_at_the_rarest_latent() -> None:
    frequency = np.concatenate([np.arange(1000, 0, -1), np.zeros(500, int)])
    points = spectrum(np.random.default_rng(0).permutation(frequency))
    assert points[0] == {"rank": 1, "documents": 1000}
    assert points[-1] == {"rank": 1000, "documents": 1}
    assert all(point["documents"] == 1001 - point["rank"] for point in points)
    assert 20 < len(points) <= POINTS


def test_without_a_live_latent_there_are_no_points() -> None:
    assert spectrum(np.zeros(8, int)) == []
