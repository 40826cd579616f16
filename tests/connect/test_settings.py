import pytest

from splare_os.connect.bodies import Route
from splare_os.connect.settings import PRIVATE, TRUSTED, is_private, wanted
from splare_os.layout.records import FieldRecord

RECORD = FieldRecord("hash", "0123456789abcdef", 512, 400, ("text",))


def route(server: str) -> Route:
    return Route("facts", "text_splare", RECORD, server)


def test_addresses_that_are_trusted_already_stay_so() -> None:
    settings = wanted({TRUSTED: ["^https://a/.*$"]}, route("https://models.example"))
    assert settings == {TRUSTED: ["^https://a/.*$", r"^https://models\.example/.*$"]}


def test_nothing_is_wanted_where_all_is_there() -> None:
    assert wanted({TRUSTED: [r"^http://10\..*$"], PRIVATE: "true"}, route("http://10.1.2.3")) == {}


def test_a_pattern_that_java_alone_can_read_counts_for_none() -> None:
    theirs = r"^https://[\p{Alnum}.]+/.*$"
    settings = wanted({TRUSTED: [theirs]}, route("https://models.example"))
    assert settings == {TRUSTED: [theirs, r"^https://models\.example/.*$"]}


def test_a_private_address_has_to_be_allowed() -> None:
    assert wanted({TRUSTED: [".*"]}, route("http://127.0.0.1:8080")) == {PRIVATE: True}


NAMED = ["http://model:8080", "http://splare-model.models.svc:8080", "http://a.b.svc.cluster.local"]


@pytest.mark.parametrize(
    "server", ["http://localhost:80", "http://[::1]:80", "http://10.1.2.3", *NAMED]
)
def test_an_address_tells_that_it_is_private(server: str) -> None:
    assert is_private(server)


@pytest.mark.parametrize("server", ["https://8.8.8.8", "https://models.example"])
def test_other_addresses_are_public(server: str) -> None:
    assert not is_private(server)


@pytest.mark.parametrize("host", ["model", "splare-model.models.svc", "a.b.svc.cluster.local"])
def test_names_of_containers_and_services_are_private(host: str) -> None:
    assert is_private(f"http://{host}:8080")
