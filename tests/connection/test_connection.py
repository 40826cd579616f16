import pytest

from splare_os.connection import Connection


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"user": "ada", "api_key": "k"}, "user and api_key are given"),
        ({"bearer_token": "t", "aws_region": "r"}, "bearer_token and aws_region are given"),
        ({"password": "p"}, "no user that it is of"),
        ({"aws_service": "s3"}, "choose one of es, aoss"),
        ({"client_key": "k.pem"}, "and no client_cert"),
        ({"ca_certs": "none.pem"}, "ca_certs none.pem: no such file"),
        ({"ca_certs": "a.pem", "is_insecure": True}, "certificates are checked, or not"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, told):
    with pytest.raises(ValueError, match=told):
        Connection(("http://localhost:9200",), **settings)


@pytest.mark.parametrize("name", ["api_key", "bearer_token"])
@pytest.mark.parametrize("secret", ["hunter2\n", "hun\nter2", "hun ter2", "hunter2\u043a"])
def test_a_secret_that_no_header_takes_is_refused_unshown(name, secret):
    with pytest.raises(ValueError, match=f"{name}: it has a blank, a line end") as caught:
        Connection(**{name: secret})
    assert "hun" not in str(caught.value)


def test_secrets_are_not_shown():
    secret = "hunter2"
    shown = [
        Connection(user="ada", password=secret),
        Connection(api_key=secret),
        Connection(bearer_token=secret),
        Connection(proxy=f"http://ada:{secret}@proxy:3128"),
    ]
    assert secret not in repr(shown) + str(shown)
