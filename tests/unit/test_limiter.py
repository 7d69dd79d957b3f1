"""When a manager may be asked: the budget and the circuit."""

from concurrent.futures import ThreadPoolExecutor

from networking_nsx.limiter import Circuit, Limiter


def waits(limiter, now, n):
    return [limiter.reserve(now) for _ in range(n)]


def test_the_budget_of_an_idle_second_is_free():
    """The first `rate` requests go out at once, the next ones more than a second later."""
    assert waits(Limiter(3), 100.0, 5) == [0, 0, 0, 1.0999999999999943, 1.0999999999999943]


def test_a_rate_of_one_per_second_works():
    """Even the lowest rate lets one request through per window."""
    limiter = Limiter(1)

    assert [round(wait, 6) for wait in waits(limiter, 0.0, 4)] == [0, 1.1, 2.2, 3.3]


def test_budget_comes_back_request_by_request():
    """The window slides: each moment is free again 1.1 s after the request that took it."""
    limiter = Limiter(2)
    limiter.reserve(0.0)
    limiter.reserve(0.6)

    assert round(limiter.reserve(0.7), 6) == 0.4
    assert round(limiter.reserve(1.2), 6) == 0.5


def test_a_complaint_halves_the_rate_at_once():
    """After a 429 the next second holds half as many."""
    limiter = Limiter(10)
    limiter.throttled(0.0)

    assert waits(limiter, 0.0, 6).count(0) == 5


def test_complaints_about_one_burst_count_once():
    """Ten 429s within a second halve the rate once, not ten times."""
    limiter = Limiter(16)
    for i in range(10):
        limiter.throttled(i / 10)

    assert "8 of 16/s" in repr(limiter)


def test_the_rate_never_falls_below_one():
    """However often NSX complains, one request per second is left."""
    limiter = Limiter(5)
    for second in range(10):
        limiter.throttled(float(second))

    assert "1 of 5/s" in repr(limiter)


def test_the_rate_recovers_only_while_somebody_waits():
    """Idle time proves nothing about what NSX can bear."""
    limiter = Limiter(8)
    limiter.throttled(0.0)
    limiter.reserve(100.0)

    assert "4 of 8/s" in repr(limiter)

    waits(limiter, 200.0, 5)

    assert "5 of 8/s" in repr(limiter)


def test_a_request_that_took_long_to_arrive_keeps_its_place_for_longer():
    """It may have arrived just before its answer did: what follows is a second later than that."""
    limiter = Limiter(2)
    limiter.reserve(0.0)
    limiter.reserve(0.0)
    limiter.arrived(0.0, 0.05)

    assert round(limiter.reserve(1.0), 6) == 0.1

    limiter.arrived(0.0, 0.6)

    assert round(limiter.reserve(1.1), 6) == 0.5


def test_the_wait_can_be_asked_without_booking():
    """So that a caller can choose between managers."""
    limiter = Limiter(1)

    assert [limiter.wait(0.0), limiter.wait(0.0), limiter.reserve(0.0)] == [0, 0, 0]
    assert round(limiter.wait(0.6), 6) == 0.5


def test_concurrent_callers_share_one_budget():
    """Threads get the same moments that one caller would get."""
    alone, shared = Limiter(10), Limiter(10)

    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda _: shared.reserve(5.0), range(200)))

    assert sorted(together) == waits(alone, 5.0, 200)


def test_what_is_kept_for_urgent_requests_is_free_when_others_have_booked_the_rest():
    """The others take nine in ten, and wait; an urgent one does not."""
    limiter = Limiter(20, urgent_share=0.1)
    ordinary = waits(limiter, 5.0, 40)

    assert (ordinary.count(0), limiter.wait(5.0) > 2) == (18, True)
    assert limiter.wait(5.0, urgent=True) == 0
    assert [limiter.reserve(5.0, urgent=True) > 0 for _ in range(3)] == [False, False, True]


def test_urgent_requests_may_take_what_the_others_leave():
    """All but a tenth, while nobody else asks; the tenth is for the first of the others."""
    limiter = Limiter(20, urgent_share=0.1)
    urgent = [limiter.reserve(5.0, urgent=True) for _ in range(19)]

    assert (urgent.count(0), waits(limiter, 5.0, 3).count(0)) == (18, 2)


def test_urgent_requests_take_nothing_that_the_others_need():
    """Whoever of the others has taken as much as is kept for urgent ones may want the rest, too."""
    limiter = Limiter(20, urgent_share=0.1)
    waits(limiter, 5.0, 2)
    urgent = [limiter.reserve(5.0, urgent=True) for _ in range(20)]

    assert (urgent.count(0), waits(limiter, 5.0, 17).count(0)) == (2, 16)


def test_at_least_one_request_is_kept_where_there_are_two():
    """A rate of one cannot be shared: urgent requests queue with the others."""
    two, one = Limiter(2, urgent_share=0.1), Limiter(1, urgent_share=0.1)

    assert (waits(two, 0.0, 2), two.wait(0.0, urgent=True)) == ([0, 1.1], 0)
    assert (waits(one, 0.0, 1), one.wait(0.0, urgent=True)) == ([0], 1.1)


def test_a_rate_of_one_is_given_in_turn():
    """Urgent or not: who asks first."""
    limiter = Limiter(1, urgent_share=0.1)
    booked = [limiter.reserve(0.0, urgent=urgent) for urgent in (True, False, True, False)]

    assert [round(wait, 6) for wait in booked] == [0, 1.1, 2.2, 3.3]


def test_a_complaint_leaves_urgent_requests_their_share():
    """Of what is left, at least one."""
    limiter = Limiter(20, urgent_share=0.1)
    limiter.throttled(0.0)

    assert waits(limiter, 0.0, 12).count(0) == 9
    assert [limiter.reserve(0.0, urgent=True) for _ in range(3)].count(0) == 1


def test_a_circuit_opens_after_three_failures_in_a_row():
    """Two failures are forgiven; a success forgets them."""
    circuit = Circuit()
    circuit.failed(0.0)
    circuit.failed(0.0)
    circuit.succeeded()
    circuit.failed(0.0)
    circuit.failed(0.0)

    assert circuit.allows(0.0)

    circuit.failed(0.0)

    assert not circuit.allows(0.9)
    assert circuit.allows(1.0)


def test_an_open_circuit_lets_one_probe_through():
    """The others wait for the probe's result."""
    circuit = Circuit(threshold=1)
    circuit.failed(0.0)

    assert [circuit.allows(1.0), circuit.allows(1.0), circuit.allows(2.0)] == [True, False, False]


def test_a_circuit_pauses_twice_as_long_each_time():
    """1, 2, 4 ... 64 s, and 64 s from then on."""
    circuit = Circuit(threshold=1)
    now, pauses = 0.0, []
    for _ in range(9):
        circuit.failed(now)
        start = now
        while not circuit.allows(now):
            now += 0.5
        pauses.append(now - start)

    assert pauses == [1, 2, 4, 8, 16, 32, 64, 64, 64]


def test_a_success_closes_the_circuit_and_forgets_the_pauses():
    """The next outage begins with a second again."""
    circuit = Circuit(threshold=1)
    for now in (0.0, 1.0, 3.0):
        circuit.failed(now)
    circuit.succeeded()

    assert circuit.allows(3.0)

    circuit.failed(4.0)

    assert circuit.allows(5.0)


def test_an_undecided_probe_makes_room_for_another():
    """A probe that ended for another reason does not keep the circuit open."""
    circuit = Circuit(threshold=1)
    circuit.failed(0.0)
    circuit.allows(1.0)
    circuit.undecided(1.5)

    assert circuit.allows(1.5)


def test_who_was_under_way_and_learnt_nothing_does_not_shorten_the_pause():
    """It was no probe."""
    circuit = Circuit()
    for _ in range(3):
        circuit.failed(0.0)
    circuit.undecided(0.1)

    assert not circuit.allows(0.9)
    assert circuit.allows(1.0)


def test_a_probe_that_never_reports_is_given_up():
    """A thread that died with the probe blocks nobody for longer than the longest pause."""
    circuit = Circuit(threshold=1)
    circuit.failed(0.0)
    circuit.allows(1.0)

    assert not circuit.allows(64.9)
    assert circuit.allows(65.0)


def test_whether_a_circuit_is_open_can_be_asked_without_becoming_the_probe():
    """Asking is not trying."""
    circuit = Circuit(threshold=1)
    circuit.failed(0.0)

    assert [circuit.open(0.5), circuit.open(1.0), circuit.open(1.0)] == [True, False, False]
    assert circuit.allows(1.0)
    assert circuit.open(1.0)


def test_a_hopeless_failure_opens_at_once():
    """What cannot get better within a second is not tried three times."""
    circuit = Circuit()
    circuit.failed(0.0, hopeless=True)

    assert not circuit.allows(0.5)


def test_failures_that_were_under_way_open_a_circuit_once():
    """Sixteen readers meet the same second of trouble: it is no longer than one's."""
    circuit = Circuit()
    for _ in range(16):
        circuit.failed(0.0)

    assert circuit.open(0.9)
    assert not circuit.open(1.0)
    assert circuit.allows(1.0)
    circuit.failed(1.1)
    assert circuit.open(3.0)
