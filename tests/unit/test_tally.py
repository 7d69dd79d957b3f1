"""What the settle runner tells of itself, while it goes on."""

from worlds import World

from networking_nsx.model import Kind, Progress
from networking_nsx.serve.tally import Tally
from networking_nsx.sync.settle import Schedule


class Word(str):
    """A count's name. `meanwhile` happens once somebody looks at it."""

    __slots__ = ("meanwhile",)

    def __hash__(self) -> int:
        meanwhile, self.meanwhile = getattr(self, "meanwhile", None), None
        if meanwhile:
            meanwhile()
        return super().__hash__()


def made() -> Tally:
    world = World()
    return Tally(Schedule(world, world))


def test_what_was_counted_is_told():
    """Added up over all steps, without what never happened."""
    tally = made()
    tally.progressed(Progress(Kind.PORT, {"looked": 2, "written": 1, "held": 0}))
    tally.progressed(Progress(Kind.PORT, {"looked": 1}))

    assert tally.told()["settle_counts"] == {"looked": 3, "written": 1}


def test_what_is_counted_while_it_is_told_does_no_harm():
    """By another thread, under a name that is new."""
    tally, word = made(), Word("looked")
    tally.progressed(Progress(Kind.PORT, {word: 1}))
    word.meanwhile = lambda: tally.progressed(Progress(Kind.PORT, {"early": 1}))

    assert tally.told()["settle_counts"] in ({"looked": 1}, {"looked": 1, "early": 1})
