import pytest

from splare_os.adapters.models import encoder_of, name_of
from tests.hashing import HashEncoder


def test_a_model_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []

    def load(name: str) -> HashEncoder:
        loads.append(name)
        return HashEncoder()

    monkeypatch.setattr("splare_os.adapters.models.load_encoder", load)
    assert encoder_of("once-loaded") is encoder_of("once-loaded")
    assert loads == ["once-loaded"]


def test_a_component_is_kept_by_the_name_of_its_model(encoder: HashEncoder) -> None:
    assert name_of("mini") == "mini"
    assert encoder_of(encoder) is encoder
    with pytest.raises(ValueError, match="'hash' was given as an object"):
        name_of(encoder)
