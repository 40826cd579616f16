import json
from pathlib import Path
from typing import Any

import pytest

from splare_os.errors import SteeringError
from splare_os.search import Steering, read_profiles
from splare_os.search.steer.profiles import VARIABLE, Profiles
from tests.hashing import HashEncoder

TOML = """
fingerprint = "0123456789abcdef"

[profiles.news]
boost = {"7" = 2}
mute = [12]

[profiles."without ads".add]
77 = 1.0
"""
NEWS = Steering(boost=((7, 2.0),), mute=(12,))


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def file_of(folder: Path, text: str, name: str = "steering.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_toml_json_and_a_mapping_say_the_same(tmp_path: Path) -> None:
    content = {
        "fingerprint": "0123456789abcdef",
        "profiles": {"news": {"boost": {7: 2}, "mute": [12]}, "without ads": {"add": {"77": 1}}},
    }
    of_toml = read_profiles(file_of(tmp_path, TOML))
    of_json = read_profiles(str(file_of(tmp_path, json.dumps(content), "s.json")))
    assert of_toml.steerings == of_json.steerings == read_profiles(content).steerings
    assert of_toml.named("news", HashEncoder()) == NEWS


def test_the_environment_names_a_file_where_nothing_else_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_profiles() == Profiles()
    monkeypatch.setenv(VARIABLE, str(file_of(tmp_path, TOML)))
    assert read_profiles().steerings["news"] == NEWS
    assert read_profiles({}) == Profiles()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profiles = ", "steering.toml: Invalid value"),
        ("[profiles.a]\nmute = [1]", r"it has \['profiles'\], and has to have \['fingerprint', 'p"),
        ('fingerprint = "f"\nprofile = 1', r"it has \['fingerprint', 'profile'\]"),
        ('fingerprint = ""\n[profiles.a]\nmute = [1]', "fingerprint '' is not that of a model"),
        ("fingerprint = 7\n[profiles.a]\nmute = [1]", "fingerprint 7 is not that of a model"),
        ('fingerprint = "f"\nprofiles = 3', "profiles 3 has to be an object, by name"),
        ('fingerprint = "f"\n[profiles.a]\nmuted = [1]', "profile 'a': 'muted': known are"),
        ('fingerprint = "f"\n[profiles]\na = "b"', "profile 'a': 'b': write an object"),
        ('fingerprint = "f"\n[profiles.a]\nboost = {x = 2}', "profile 'a': boost names 'x'"),
        ('fingerprint = "f"\n[profiles.a.add]\n7 = nan', "profile 'a': add of latent 7 is nan"),
    ],
)
def test_a_broken_file_says_what_is_wrong_and_where(
    tmp_path: Path, text: str, message: str
) -> None:
    path = file_of(tmp_path, text)
    with pytest.raises(SteeringError, match=message) as caught:
        read_profiles(path)
    assert str(caught.value).count(str(path)) == 1


def test_json_that_is_cut_short_is_told(tmp_path: Path) -> None:
    with pytest.raises(SteeringError, match=r"s\.json: Expecting"):
        read_profiles(file_of(tmp_path, '{"fingerprint": "f", ', "s.json"))
    with pytest.raises(SteeringError, match=r"s\.json: it has \[\], and has to have"):
        read_profiles(file_of(tmp_path, "[]", "s.json"))


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "steering.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SteeringError, match=r"steering\.toml: .* can't decode"):
        read_profiles(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SteeringError, match=r"none\.toml cannot be read: No such file"):
        read_profiles(tmp_path / "none.toml")


def test_a_broken_mapping_is_its_callers_mistake() -> None:
    with pytest.raises(ValueError, match=r"steering: it has \['news'\], and has to have"):
        read_profiles({"news": {}})


def test_profiles_of_another_model_are_refused(tmp_path: Path) -> None:
    profiles = read_profiles(file_of(tmp_path, TOML))
    other = HashEncoder(fingerprint="fedcba9876543210")
    with pytest.raises(
        SteeringError,
        match="fingerprint 0123456789abcdef, the one at hand is 'hash'",
    ):
        profiles.named("news", other)


def test_all_profiles_are_checked_not_only_the_one_asked_for(tmp_path: Path) -> None:
    profiles = read_profiles(file_of(tmp_path, TOML))
    message = "profile 'without ads': latent 77: the model has latents 0 to 49"
    with pytest.raises(SteeringError, match=message):
        profiles.named("news", HashEncoder(n_latents=50))


def test_a_name_that_there_is_not_lists_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="steer='old': .* known are news, without ads"):
        read_profiles(file_of(tmp_path, TOML)).named("old", HashEncoder())
    empty: dict[str, Any] = {}
    with pytest.raises(ValueError, match=r"known are none .* at \$SPLARE_STEERING"):
        read_profiles(empty).named("old", HashEncoder())
