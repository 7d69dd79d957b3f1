"""The simulator's limits: what is admitted, and when it ends."""

import pytest

from networking_nsx.simulator.limits import Limits
from networking_nsx.simulator.policy_errors import Wrong
from networking_nsx.simulator.settings import SimulatorSettings


def limits(rate=0, client=0, node=0):
    return Limits(
        SimulatorSettings(
            client_rate_limit=rate, client_concurrency_limit=client, node_concurrency_limit=node
        )
    )


def refused(limits, account="a", node=0):
    with pytest.raises(Wrong) as wrong:
        limits.admit(account, node)
    return wrong.value.status, wrong.value.code


def test_the_rate_is_of_an_account_at_a_node():
    """Others, and the same elsewhere, have their own."""
    both = limits(rate=2)
    for account, node in (("a", 0), ("a", 0), ("b", 0), ("a", 1)):
        both.admit(account, node)
    assert refused(both) == (429, "102")


def test_whoever_has_left_makes_room():
    """For its own account, and for the node."""
    for few in (limits(client=2), limits(node=2)):
        leave, _ = few.admit("a", 0), few.admit("a", 0)
        assert refused(few)[0] == 503
        leave()
        few.admit("a", 0)


def test_a_node_counts_all_its_clients():
    """And an account its own only."""
    per_client, per_node = limits(client=1), limits(node=1)
    for few in (per_client, per_node):
        few.admit("a", 0)
    per_client.admit("b", 0)
    per_node.admit("b", 1)
    assert refused(per_node, "b")[0] == 503


def test_what_was_refused_for_its_number_does_not_count_for_the_rate():
    """Otherwise a client could be kept out by its own retries."""
    few = limits(rate=2, client=1)
    leave = few.admit("a", 0)
    for _ in range(5):
        assert refused(few)[0] == 503
    leave()
    few.admit("a", 0)
