import pytest

from splare_os import extras
from splare_os.errors import MissingExtraError


def test_what_no_index_of_packages_has_is_told_by_its_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r'pip install "splare-os\[async\]"$'):
        extras.require("async", "an application")
    remedy = r'pip install "splare-os\[multi\]" packages/splare-os-multi \(in a checkout\)$'
    with pytest.raises(MissingExtraError, match=remedy):
        extras.require("multi", "the model 'multi'")
