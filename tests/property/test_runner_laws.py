"""Laws of the loop that sweeps, for any failures (hypothesis)."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from worlds import START, Heart, World

from networking_nsx.errors import NsxError, StoreError, Unavailable
from networking_nsx.sync.pacing import Pacer, PacingSettings
from networking_nsx.sync.runner import Runner

ERRORS = st.sampled_from([Unavailable("503"), NsxError("refused"), StoreError("gone"), ValueError("bug")])


class Listener:
    """Remembers when a sweep was complete."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.complete: list[float] = []

    def began(self): ...

    def progressed(self, progress): ...

    def failed(self, error, wait): ...

    def swept(self, _summary):
        self.complete.append(self.world.time)


@given(st.dictionaries(st.integers(0, 30), ERRORS, max_size=8))
def test_the_loop_never_dies(failing):
    """Promise 4: whatever fails, sweeps are complete again soon, and follow each other at the interval."""
    world = World(network=2, port=10)
    world.page_errors = dict(failing)
    listener = Listener(world)
    runner = Runner(Heart(world).sweeper, Pacer(PacingSettings(), Random(0)), world, listener)
    runner.run(lambda: world.time > START + 400)

    assert [at for at in listener.complete if START + 370 < at <= START + 400]
