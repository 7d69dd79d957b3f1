"""The mass-change brake: many rows that worsen at once are more often a lie than a disaster.

Design section 6, with nothing remembered that a restart could lose: what was spent lately is read off
Neutron's rows (those in a bad status that changed within the window), what would be spent is what
this sweep finds. So a process that restarts while frozen is frozen at its first page.

- Improving changes always pass.
- Worsening changes pass while they and the spent ones are at most `share` of the rows met so far in
  this kind (never fewer than `minimum`). Beyond that they are held until the end of the kind, where they
  are judged against all its rows: under the threshold they go on; over it, a random sample of direct reads
  decides (`agrees`), or an operator (`release`).
- Absence is judged at the end of the kind, all missing rows together, and held in every kind while any
  kind has lost too many, or all it had. No sample releases it: only an operator, or the objects' return.
- A release is for what is held now. It ends when nothing is left undecided or, where some rows never are
  decided, when nothing has needed it for a while; and it lapses where no pass comes in time to use it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from networking_nsx.model import Change, Key, Kind, Row, Status
from networking_nsx.ports import Random
from networking_nsx.sync import rules

_IDLE_PASSES = 3  # that need no release before it ends: ERROR needs two sweeps


@dataclass(frozen=True, slots=True)
class BrakeSettings:
    share: float = 0.1  # of a kind's rows; larger lets more lies through before it holds
    minimum: int = 10  # rows that may always worsen: a small cloud is not frozen by one broken rack
    window: float = 600.0  # seconds for which a worsened row counts as spent
    patience: float = 620.0  # seconds, besides those of passes, for which a release waits for the next one
    sample: int = 50  # direct reads that decide over what is held
    agreement: float = 0.9  # the part of the sample that must agree


class _Release(NamedTuple):
    """An operator's word."""

    since: float  # when it was given, or needed last: monotonic
    passes: int = 0  # that have not needed it since then


class _Span(NamedTuple):
    """Of a pass. Monotonic."""

    began: float
    ended: float


class Brake:
    """Watches over every kind. `random` draws the samples."""

    def __init__(self, settings: BrakeSettings, random: Random) -> None:
        self.settings = settings
        self._random = random
        self._lost: set[Kind] = set()
        self._released: dict[Kind, _Release] = {}
        self._last: dict[Kind, _Span] = {}  # the last pass that came to its end

    def __repr__(self) -> str:
        return f"Brake(lost={sorted(self._lost)}, released={sorted(self._released)})"

    def release(self, kind: Kind, at: float) -> None:
        """An operator has looked: everything held in this kind passes, until nothing more is held.

        `at` is monotonic.
        """
        self._released[kind] = _Release(at)

    def withdraw(self) -> None:
        """No kind is released any more: what is going to be held is not what an operator has seen."""
        self._released.clear()

    def watch(self, kind: Kind, rows: Collection[Row], now: float, began: float) -> "Watch":
        """Begin a pass over this kind. `rows` is what Neutron has; `now` in seconds since the epoch.

        `began` is the same moment, monotonic.
        """
        self._lapse(kind, began)
        horizon = now - self.settings.window
        # A port that waits for its binding is DOWN without having worsened.
        recent = [row.status for row in rows if row.changed_at > horizon and row.facts.may_activate]
        return Watch(
            self,
            kind,
            began,
            baseline=sum(row.facts.in_scope for row in rows),
            worsened=sum(rules.badness(status) >= rules.badness(Status.DOWN) for status in recent),
            errors=sum(status == Status.ERROR for status in recent),
        )

    def is_released(self, kind: Kind) -> bool:
        return kind in self._released

    @property
    def has_lost(self) -> bool:
        """Whether any kind has lost too much."""
        return bool(self._lost)

    def draw(self, held: Sequence[Change]) -> list[Change]:
        """The held changes whose objects are to be read directly."""
        return self._random.sample(held, min(self.settings.sample, len(held)))

    def agrees(self, agreeing: int, drawn: int) -> bool:
        return drawn > 0 and agreeing >= self.settings.agreement * drawn

    def allows(self, worse: int, rows: int) -> bool:
        return worse <= max(self.settings.minimum, self.settings.share * rows)

    def allows_absence(self, kind: Kind, *, lost: bool) -> bool:
        """Note whether this kind has lost too much; absence passes only while no kind has."""
        (self._lost.add if lost else self._lost.discard)(kind)
        return not self._lost or kind in self._released

    def pass_ended(self, kind: Kind, began: float, now: float, *, undecided: int, needed: bool) -> None:
        """A release may have done its work. `needed`: this pass has let something through by it."""
        self._last[kind] = _Span(began, now)
        release = self._released.get(kind)
        if release is None:
            return
        since, passes = (now, 0) if needed else (release.since, release.passes + 1)
        self._released[kind] = _Release(since, passes)
        if not undecided or (passes >= _IDLE_PASSES and now - since >= self.settings.window):
            del self._released[kind]

    def _lapse(self, kind: Kind, now: float) -> None:
        """A release is of no use any more where no pass has come to its end for so long.

        It waits for as long as a sweep takes, however slow.
        """
        release = self._released.get(kind)
        if release is None:
            return
        last = self._last.get(kind)
        since = max(release.since, last.ended) if last else release.since
        sweep = sum(each.ended - each.began for each in self._last.values())
        if now - since > self.settings.patience + sweep:
            del self._released[kind]


class Allowance:
    """The brake over single rows, which no pass weighs: so many of each kind may worsen within the window.

    That is the settings' `minimum`. More is a mass change, and left to sweeps. A restart may spend it anew.
    """

    def __init__(self, settings: BrakeSettings) -> None:
        self._settings = settings
        self._spent: dict[Key, float] = {}  # rows that worsened, each with the moment

    def __repr__(self) -> str:
        return f"Allowance({len(self._spent)} spent)"

    def allows(self, change: Change, now: float) -> bool:
        """Whether it may be written; a row that worsens again counts once. `now` is monotonic."""
        if not rules.worsens(change):
            return True
        self._spent = {key: at for key, at in self._spent.items() if at > now - self._settings.window}
        key = change.row.key
        others = sum(key.kind is spent.kind and key != spent for spent in self._spent)
        if others >= self._settings.minimum:
            return False
        self._spent[key] = now
        return True


class Watch:
    """The brake over one pass of one kind."""

    def __init__(
        self, brake: Brake, kind: Kind, began: float, *, baseline: int, worsened: int, errors: int
    ) -> None:
        self._brake = brake
        self._kind = kind
        self._began = began
        self._baseline = baseline
        self._spent = worsened
        self._errors = errors
        self._worse: set[str] = set()  # ids; a row that is judged twice counts once
        self._held: dict[str, Change] = {}  # by id: of a row, what was found last
        self._needed = False  # something passes only because an operator has released it

    def sift(self, changes: list[Change], met: int) -> list[Change]:
        """The changes that may be written now. `met`: rows whose object this pass has seen so far."""
        worse = [found for found in changes if rules.worsens(found)]
        self._worse.update(found.row.id for found in worse)
        if not worse or (not self._held and self._passes(met)):
            return changes
        self._held |= {found.row.id: found for found in worse}
        return [found for found in changes if not rules.worsens(found)]

    def held(self) -> list[Change]:
        """What waits for the end of the kind."""
        return list(self._held.values())

    def passes_at_the_end(self) -> bool:
        """Whether all that was held may go on, now that the whole kind was seen."""
        return self._passes(self._baseline)

    def absence_passes(self, missing: int, seen: int) -> bool:
        """Whether missing rows may be declared absent. `seen` rows of this kind do have their object."""
        everything = seen == 0 and missing > 1
        lost = everything or not self._brake.allows(self._errors + missing, self._baseline)
        return self._brake.allows_absence(self._kind, lost=missing > 0 and lost)

    def declares(self) -> None:
        """Rows that are missing are declared absent."""
        self._needed |= self._brake.has_lost

    def ended(self, undecided: int, now: float) -> None:
        """The pass is over, and leaves so many rows undecided. `now` is monotonic."""
        self._brake.pass_ended(self._kind, self._began, now, undecided=undecided, needed=self._needed)

    def _passes(self, rows: int) -> bool:
        if self._brake.allows(self._spent + len(self._worse), rows):
            return True
        released = self._brake.is_released(self._kind)
        self._needed |= released
        return released
