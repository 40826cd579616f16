from splare_os.encode.breaker import Breaker


def test_after_a_failure_calls_are_refused_until_one_may_try() -> None:
    now = [100.0]
    breaker = Breaker(10.0, clock=lambda: now[0])
    assert breaker.refusal() == ""
    breaker.open("the server is down")
    assert breaker.refusal() == "the server is down"
    now[0] = 109.9
    assert breaker.refusal() == "the server is down"
    now[0] = 110.0
    assert breaker.refusal() == ""  # this one tries
    assert breaker.refusal() == "the server is down"
    breaker.close()
    assert breaker.refusal() == ""


def test_a_trial_that_fails_keeps_it_open() -> None:
    now = [0.0]
    breaker = Breaker(10.0, clock=lambda: now[0])
    breaker.open("down")
    now[0] = 10.0
    assert breaker.refusal() == ""
    breaker.open("still down")
    now[0] = 19.9
    assert breaker.refusal() == "still down"


def test_a_trial_whose_end_is_never_told_is_followed_by_another() -> None:
    now = [0.0]
    breaker = Breaker(10.0, clock=lambda: now[0])
    breaker.open("down")
    now[0] = 10.0
    assert breaker.refusal() == ""
    now[0] = 20.0
    assert breaker.refusal() == ""
