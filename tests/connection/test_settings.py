import os
import subprocess
import sys

import pytest

from splare_os.connection import Connection, find_connection
from splare_os.errors import ConnectionSettingsError

URL = "https://search.example:9200"


@pytest.fixture
def home(tmp_path):
    """An environment whose user has no file yet."""
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def save(tmp_path, text: str, mode: int = 0o600, name: str = "c.toml") -> str:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_without_settings_there_is_no_address(home):
    assert find_connection({}, environment=home) == Connection()


def test_options_come_before_the_environment_and_that_before_the_file(tmp_path, home):
    file = save(tmp_path, f'url = "{URL}"\nproxy = "http://f:1"\nca_certs = "{__file__}"\n')
    around = home | {"SPLARE_PROXY": "http://e:1", "SPLARE_USER": "eve", "SPLARE_PASSWORD": "p"}
    found = find_connection({"user": "ada", "connection": file}, environment=around)
    assert (found.urls, found.proxy, found.ca_certs) == ((URL,), "http://e:1", __file__)
    assert (found.user, found.password) == ("ada", "p")


def test_who_asks_is_told_by_one_place(tmp_path, home):
    around = home | {"SPLARE_API_KEY": "k"}
    token = save(tmp_path, "t\n", name="token")
    found = find_connection({"bearer_token_file": token}, environment=around)
    assert (found.bearer_token, found.api_key) == ("t", None)
    with pytest.raises(ValueError, match="api_key and bearer_token are given"):
        find_connection({}, environment=around | {"SPLARE_BEARER_TOKEN": "t"})


def test_a_line_end_is_no_part_of_a_setting(tmp_path, home):
    """`kubectl create secret --from-file` has the variable end as the file does."""
    around = {"SPLARE_USER": "ada", "SPLARE_PASSWORD": " p w\r\n"}
    assert find_connection({}, environment=home | around).password == " p w"
    assert find_connection({}, environment=home | {"SPLARE_API_KEY": "k\n"}).api_key == "k"
    found = find_connection({}, environment=home | {"SPLARE_URL": f"{URL}\n"})
    assert found.urls == (URL,)
    file = save(tmp_path, 'bearer_token = "t\\n"')
    assert find_connection({"connection": file}, environment=home).bearer_token == "t"


def test_credentials_go_to_no_other_address_than_theirs(tmp_path, home):
    file = save(tmp_path, f'url = "{URL}"\napi_key = "k"\nproxy = "http://p:1"\n')
    elsewhere = {"url": ("https://other.example:9200",), "connection": file}
    found = find_connection(elsewhere, environment=home)
    assert (found.api_key, found.proxy) == (None, "http://p:1")
    same = find_connection({"url": (URL,), "connection": file}, environment=home)
    assert same.api_key == "k"


def test_several_addresses_are_told_in_several_ways(home):
    two = ("http://a:9200", "http://b:9200")
    assert find_connection({"url": two}, environment=home).urls == two
    around = home | {"SPLARE_URL": "http://a:9200, http://b:9200"}
    assert find_connection({}, environment=around).urls == two


def test_user_and_password_are_taken_out_of_an_address(home):
    around = home | {"SPLARE_URL": "https://ada:p%40ss@search.example:9200"}
    found = find_connection({}, environment=around)
    assert (found.urls, found.user, found.password) == ((URL,), "ada", "p@ss")
    assert found.address == URL


@pytest.mark.parametrize(
    "option",
    [
        {"url": ("https://ada:hunter2@search.example",)},
        {"proxy": "http://ada:hunter2@proxy.example:3128"},
        {"proxy": "ada:hunter2@proxy.example:3128"},
    ],
)
def test_an_option_with_a_password_is_refused_unshown(home, option):
    with pytest.raises(ValueError, match="where others see it: give it by SPLARE_") as error:
        find_connection(option, environment=home)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("name", ["URL", "PROXY"])
@pytest.mark.parametrize("sign", "/?#")
def test_a_password_that_ends_the_address_is_refused_unshown(home, name, sign):
    around = home | {f"SPLARE_{name}": f"http://ada:hunt{sign}er2@search.example:9200"}
    with pytest.raises(ValueError, match="write %2F, %3F or %23") as caught:
        find_connection({}, environment=around)
    assert "hunt" not in str(caught.value)


def test_an_address_is_the_same_with_a_slash_behind_it(home):
    around = home | {"SPLARE_URL": f"{URL}/", "SPLARE_BEARER_TOKEN": "t0ken"}
    found = find_connection({"url": URL}, environment=around)
    assert (found.urls, found.bearer_token) == ((URL,), "t0ken")


@pytest.mark.parametrize("url", ["localhost:9200", "ftp://a", "http://", "x://ada:hunter2@a"])
def test_what_is_no_address_is_told(home, url):
    with pytest.raises(ValueError, match="give one such as https://localhost:9200") as error:
        find_connection({}, environment=home | {"SPLARE_URL": url})
    assert "hunter2" not in str(error.value)


def test_the_file_of_the_user_is_read(tmp_path, home):
    save(tmp_path, f'url = ["{URL}"]\ninsecure = true\n', name="config/splare-os/connection.toml")
    found = find_connection({}, environment=home)
    assert (found.urls, found.is_insecure) == ((URL,), True)
    assert find_connection({}, environment=home, prefix="SPLARE_SOURCE_") == Connection()


def test_secrets_may_lie_in_files(tmp_path, home):
    secret = save(tmp_path, "hunter2\n", name="secret")
    found = find_connection({"user": "ada", "password_file": secret}, environment=home)
    assert found.password == "hunter2"
    around = home | {"SPLARE_API_KEY_FILE": secret}
    assert find_connection({}, environment=around).api_key == "hunter2"
    file = save(tmp_path, f'bearer_token_file = "{secret}"\n', mode=0o644)
    assert find_connection({"connection": file}, environment=home).bearer_token == "hunter2"
    with pytest.raises(ValueError, match="api_key and api_key_file are given"):
        find_connection({}, environment=around | {"SPLARE_API_KEY": "k"})


@pytest.mark.parametrize(
    "content", ['api_key = "k"', 'url = "https://a:b@c"', 'proxy = "http://a:b@c"']
)
def test_a_file_with_a_secret_is_read_by_its_owner_alone(tmp_path, home, content):
    file = save(tmp_path, content, mode=0o640)
    with pytest.raises(ConnectionSettingsError, match="others may read it: chmod 600"):
        find_connection({"connection": file}, environment=home)


@pytest.mark.parametrize(
    ("content", "told"),
    [("url =", "cannot be read"), ('pasword = "x"', "pasword unknown; known are api_key")],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path, home, content, told):
    file = save(tmp_path, content)
    with pytest.raises(ConnectionSettingsError, match=told):
        find_connection({}, environment=home | {"SPLARE_CONNECTION": file})


def test_files_that_are_not_there_or_empty_are_told(tmp_path, home):
    with pytest.raises(ConnectionSettingsError, match="no such file"):
        find_connection({"connection": tmp_path / "none"}, environment=home)
    with pytest.raises(ConnectionSettingsError, match="password_file .* cannot be read"):
        find_connection({"user": "a", "password_file": tmp_path / "none"}, environment=home)
    with pytest.raises(ConnectionSettingsError, match="it is empty"):
        find_connection({"api_key_file": save(tmp_path, "\n")}, environment=home)


def test_files_are_utf_8_whatever_the_locale(tmp_path, home):
    secret = tmp_path / "password"
    secret.write_bytes("pä\n".encode())
    file = tmp_path / "c.toml"
    file.write_bytes(f'url = "{URL}"\nuser = "ödön"\npassword_file = "{secret}"\n'.encode())
    code = (
        "from splare_os.connection import find_connection as find; "
        f"found = find({{'connection': {str(file)!r}}}); print(ascii((found.user, found.password)))"
    )
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **home, **plain},
        check=True,
        capture_output=True,
    )
    assert told.stdout.decode().strip() == ascii(("ödön", "pä"))
