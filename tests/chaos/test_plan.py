"""One seed decides a run, and every run has all of what it is for."""

from collections import Counter

import pytest
from chaos.acts import MINUTE
from chaos.hazards import TROUBLED
from chaos.plan import plan

LANES = {"nsx", "user", "faults", "network", "database", "daemon"}


def test_a_seed_decides_everything():
    """Ids, acts and moments; another seed is another run."""
    assert plan(3, 2) == plan(3, 2)
    assert plan(3, 2).acts != plan(5, 2).acts
    assert [plan(seed, 1).api for seed in (0, 1, 2)] == ["mh", "policy", "mh"]


@pytest.mark.parametrize("seed", range(8))
def test_one_minute_has_every_sort_of_act(seed):
    """So that a short run proves something, too."""
    made = Counter((act.lane, act.what) for act in plan(seed, 1).acts)
    wanted = {
        *(("nsx", what) for what in ("flip", "vanish", "appear")),
        *(("user", what) for what in ("create", "bind", "unbind", "delete", "rename", "admin", "wreck")),
        *(("database", what) for what in ("restart", "kill", "read-only")),
        *(("daemon", what) for what in ("kill", "stop")),
        *(("network", what) for what in ("cut", "slow", "hold", "sever")),
        ("faults", "fault"),
    }

    assert {lane for lane, _ in made} == LANES
    assert wanted <= made.keys()


def test_each_minute_ends_calm():
    """Trouble has its part of it."""
    trouble = [act for act in plan(1, 3).acts if act.lane not in ("nsx", "user")]

    assert len(trouble) > 60
    assert all(TROUBLED[0] <= act.at % MINUTE <= TROUBLED[1] for act in trouble)


def test_acts_come_in_the_order_of_time_and_within_the_run():
    """Lanes are cut out of one list."""
    moments = [act.at for act in plan(2, 2).acts]

    assert moments == sorted(moments)
    assert max(moments) < 2.5 * MINUTE


@pytest.mark.parametrize("seed", range(6))
def test_an_object_is_made_where_there_is_none(seed):
    """A second one of a port would change what its row ought to say; only networks get them."""
    there = {("port", one) for one in plan(seed, 5).ports}
    twice = []
    for act in plan(seed, 5).acts:
        if act.lane != "nsx":
            continue
        keys = {(act.details["kind"], one) for one in act.details["ids"]}
        if act.what == "appear":
            twice += [key for key in keys & there if key[0] == "port"]
            there |= keys
        elif act.what in ("vanish", "delete"):
            there -= keys

    assert twice == []


@pytest.mark.parametrize("seed", range(6))
def test_a_port_that_is_just_being_made_is_left_alone(seed):
    """Its object appears before anything else happens to it on NSX."""
    made = {act.details["id"] for act in plan(seed, 5).acts if act.what == "create"}
    first = {}
    for act in plan(seed, 5).acts:
        if act.lane == "nsx":
            for one in act.details["ids"]:
                first.setdefault(one, act.what)

    assert {first[one] for one in made & first.keys()} == {"appear"}


def test_the_last_part_of_a_long_run_kills_nobody():
    """A daemon that lives on shows whether it stays small."""
    kills = [act.at for act in plan(4, 10).acts if (act.lane, act.what) == ("daemon", "kill")]

    assert len(kills) == 12
    assert max(kills) < 6 * MINUTE
