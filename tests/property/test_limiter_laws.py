"""The laws of the request budget, for any callers and any complaints."""

import heapq
import itertools
from typing import NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from networking_nsx.limiter import Limiter

RATES = st.integers(1, 60)
SHARES = st.sampled_from([0.0, 0.1, 0.5])
# Each step: seconds until the next call, whether NSX complains first, and whether the call is urgent.
STEPS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.001, 0.05, 0.3, 1.0, 3.0]), st.booleans(), st.booleans()), max_size=300
)


class Sent(NamedTuple):
    booked: float
    sent: float
    answered: float
    urgent: bool


def sendings(limiter, steps):
    """When the ordinary and the urgent requests go out, whether their callers wait for each other or not."""
    now, sent = 0.0, ([], [])
    for gap, complaint, urgent in steps:
        now += gap
        if complaint:
            limiter.throttled(now)
        sent[urgent].append(now + limiter.reserve(now, urgent=urgent))
    return sent


def saturated(limiter, since, seconds):
    """When one caller sends that always has more to send."""
    now, sent = since, []
    while now < since + seconds:
        now += limiter.reserve(now)
        sent.append(now)
    return sent


@given(RATES, SHARES, STEPS)
def test_no_sliding_second_holds_more_than_the_rate(rate, share, steps):
    """Whoever calls when, urgent or not, and however NSX complains; with 0.09 s to spare for jitter."""
    ordinary, urgent = sendings(Limiter(rate, share), steps)
    sent = sorted(ordinary + urgent)

    assert all(later - earlier > 1.09 for earlier, later in zip(sent, sent[rate:], strict=False))


@given(RATES, SHARES, STEPS, STEPS)
@example(20, 0.1, [], [(0.0, False, True)] * 9 + [(0.3, False, False)] * 9)
def test_after_a_complaint_a_second_holds_half_the_rate(rate, share, before, after):
    """Of what was booked since, urgent or not; one more for each second that has passed."""
    limiter = Limiter(rate, share)
    sendings(limiter, [(gap, False, urgent) for gap, _, urgent in before])
    complained = now = sum(gap for gap, _, _ in before)
    limiter.throttled(now)
    sent = []
    for gap, _, urgent in after:
        now += gap
        sent.append(now + limiter.reserve(now, urgent=urgent))
    for last in sent:
        second = [moment for moment in sent if last - 1.0 < moment <= last]

        assert len(second) <= max(1, rate // 2) + int(last - complained)


def crowd(limiter, callers, urgent, ways, requests):
    """What callers do that always have more to send, some of them urgent things: in the order of booking."""
    free = [(0.0, caller) for caller in range(callers)]
    done, under_way = [], []
    for i in range(requests):
        now, caller = heapq.heappop(free)
        for request in [request for request in under_way if request.answered <= now]:
            limiter.arrived(request.sent, request.answered)
            under_way.remove(request)
        sent = now + limiter.reserve(now, urgent=caller < urgent)
        request = Sent(now, sent, sent + ways[i % len(ways)], caller < urgent)
        heapq.heappush(free, (request.answered, caller))
        under_way.append(request)
        done.append(request)
    return done


@given(
    RATES,
    SHARES,
    st.integers(1, 20),
    st.integers(0, 20),
    st.lists(st.sampled_from([0.001, 0.02, 0.3, 1.0, 4.0]), min_size=1),
)
def test_a_second_holds_no_more_than_the_rate_whenever_they_arrived(rate, share, callers, urgent, ways):
    """What is answered may have arrived at the last moment; what is not yet, within 0.09 s."""
    requests = crowd(Limiter(rate, share), callers, urgent, ways, 200)
    for place, last in enumerate(requests):
        arrived = sorted(
            each.answered if each.answered <= last.booked else each.sent + 0.09 for each in requests[:place]
        )
        before = [each for each in arrived if last.sent - 1 + 1e-6 < each <= last.sent]
        after = [each for each in arrived if last.sent < each < last.sent + 1 - 1e-6]

        assert len(before) < rate
        # An urgent one may have passed others: no second that has it may be too full, either.
        for end in after:
            assert sum(end - 1 + 1e-6 < each <= end for each in arrived) < rate


@given(RATES, SHARES, STEPS)
@example(4, 0.0, [(0.05, False, False), (0.0, True, False), (0.05, False, False), (0.05, False, False)])
def test_callers_keep_their_order(rate, share, steps):
    """Who asked first sends first, among those that are not urgent. (Two at once, but for a rounding.)"""
    ordinary, _ = sendings(Limiter(rate, share), steps)

    assert all(later > earlier - 1e-9 for earlier, later in itertools.pairwise(ordinary))


@given(st.integers(2, 60), STEPS)
def test_urgent_requests_wait_for_each_other_only(rate, steps):
    """Never longer than if what is kept for them were all there is; however many others queue."""
    steps = [(gap, False, urgent) for gap, _, urgent in steps]
    mixed, alone = Limiter(rate, 0.1), Limiter(max(1, rate // 10))
    now = 0.0
    for gap, _, urgent in steps:
        now += gap
        wait = mixed.reserve(now, urgent=urgent)

        assert not urgent or wait <= alone.reserve(now) + 1e-9


@given(
    st.integers(2, 30),
    st.integers(1, 20),
    st.integers(1, 10),
    st.sampled_from([0.001, 0.005, 0.02, 0.05, 0.1]),
)
@example(20, 1, 1, 0.005)
@example(30, 1, 10, 0.02)
@example(30, 16, 10, 0.05)
def test_urgent_requests_do_not_slow_the_others_down(rate, ordinary, urgent, way):
    """Some seconds pass until they have made room; from then on who has more to send loses nothing."""
    alone = crowd(Limiter(rate, 0.1), ordinary, 0, [way], 200)
    mixed = crowd(Limiter(rate, 0.1), ordinary + urgent, urgent, [way], 600)
    others = [each for each in mixed if not each.urgent]

    assert all(late.sent <= each.sent + 5.0 for late, each in zip(others, alone, strict=False))


@given(RATES, SHARES)
def test_four_fifths_of_the_rate_are_used(rate, share):
    """The margin against jitter costs no more; what is kept for urgent requests does."""
    sent = saturated(Limiter(rate, share), 0.0, 20.0)
    kept = max(1, int(rate * share)) if share and rate > 1 else 0

    assert len(sent) >= 0.8 * (rate - kept) * 20


@given(RATES, STEPS)
def test_the_full_rate_comes_back(rate, steps):
    """After any complaints, as many seconds of demand as the rate is high restore it."""
    limiter = Limiter(rate)
    last = max([moment for lane in sendings(limiter, steps) for moment in lane], default=0.0)
    *_, now = saturated(limiter, last, 1.2 * rate + 5)

    assert len(saturated(limiter, now, 11.0)) >= 0.8 * rate * 11
