"""The distribution of the multilingual model."""

from configparser import ConfigParser

import pytest

from splare_os import __version__
from splare_os.encode.card import fingerprint, read_card

from .conftest import ROOT

PACKAGE = ROOT / "packages" / "splare-os-multi"
MODEL = PACKAGE / "splare_os_multi" / "model"
MOST_BYTES = 90_000_000


def test_its_version_is_that_of_the_package_that_asks_for_it() -> None:
    settings = ConfigParser()
    settings.read(PACKAGE / "setup.cfg", encoding="utf-8")
    assert settings["metadata"]["version"] == __version__
    ours = ConfigParser()
    ours.read(ROOT / "setup.cfg", encoding="utf-8")
    assert f"splare-os-multi>={__version__}" in ours["options.extras_require"]["multi"]


@pytest.mark.skipif(not MODEL.is_dir(), reason="the weights are not in this checkout")
def test_the_model_is_whole_and_small_enough() -> None:
    card = read_card(MODEL)
    assert card is not None
    assert (card.name, card.fingerprint) == ("multi", fingerprint(MODEL, card))
    assert sum(path.stat().st_size for path in MODEL.rglob("*")) <= MOST_BYTES
    assert (MODEL / "README.md").is_file()
