"""The laws of the request budget, for any callers and any complaints."""

from hypothesis import given
from hypothesis import strategies as st

from networking_nsx.limiter import Limiter

RATES = st.integers(1, 60)
# Each step: seconds until the next call, and whether NSX complains first.
STEPS = st.lists(st.tuples(st.sampled_from([0.0, 0.001, 0.05, 0.3, 1.0, 3.0]), st.booleans()), max_size=300)


def sendings(limiter, steps):
    """When the requests go out, whether their callers wait for each other or not."""
    now, sent = 0.0, []
    for gap, complaint in steps:
        now += gap
        if complaint:
            limiter.throttled(now)
        sent.append(now + limiter.reserve(now))
    return sent


def saturated(limiter, since, seconds):
    """When one caller sends that always has more to send."""
    now, sent = since, []
    while now < since + seconds:
        now += limiter.reserve(now)
        sent.append(now)
    return sent


@given(RATES, STEPS)
def test_no_sliding_second_holds_more_than_the_rate(rate, steps):
    """Whoever calls when, and however NSX complains; with 0.09 s to spare for jitter on the way."""
    sent = sendings(Limiter(rate), steps)

    assert all(later - earlier > 1.09 for earlier, later in zip(sent, sent[rate:], strict=False))


@given(RATES, STEPS)
def test_callers_keep_their_order(rate, steps):
    """Who asked first sends first."""
    sent = sendings(Limiter(rate), steps)

    assert sent == sorted(sent)


@given(RATES)
def test_four_fifths_of_the_rate_are_used(rate):
    """The margin against jitter costs no more."""
    sent = saturated(Limiter(rate), 0.0, 20.0)

    assert len(sent) >= 0.8 * rate * 20


@given(RATES, STEPS)
def test_the_full_rate_comes_back(rate, steps):
    """After any complaints, as many seconds of demand as the rate is high restore it."""
    limiter = Limiter(rate)
    last = max(sendings(limiter, steps), default=0.0)
    *_, now = saturated(limiter, last, 1.2 * rate + 5)

    assert len(saturated(limiter, now, 11.0)) >= 0.8 * rate * 11
