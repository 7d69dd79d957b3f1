"""What goes wrong, and when: storms, in which NSX has faults and daemons die, and calms between them.

A calm is what promise 6 is judged in; in some, NSX's index lies, and nothing else is wrong.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

from networking_nsx.simulator.exchange import Answer
from networking_nsx.simulator.fault_table import CHOICES, FAULTS
from networking_nsx.simulator.population import Item
from simulation.actors import Act, Actor
from simulation.history import Name
from simulation.operator import Operator
from simulation.process import POINTS, WAITING, Process
from simulation.world import World

HIDING = {"skip-object", "malformed-object", "inventory-lost", "index-lag", "index-drop", "tag-tampered"}
SELDOM = 60.0  # seconds: over a run a fault is met more often than that
MET = ("trouble", "of these, were met")
_NOT_HERE = {"act", "redirect", "vip-moved"}
_PREFIXES = {
    "mh": ("/", "/", "/ws.v1/lswitch", "/ws.v1/lrouter"),
    "policy": ("/", "/", "/api/v1/search", "/policy/api/v1"),
}


def faults_of(api: str) -> list[str]:
    """The faults that NSX can have here: without the VIP and redirects, which only real ways have."""
    return sorted(
        name for name, behaviour in FAULTS.items() if api in behaviour.apis and name not in _NOT_HERE
    )


class Deck:
    """Deals each of some names before any of them again: what is rare in chance is not left to it."""

    def __init__(self, random: Random, names: Iterable[str]) -> None:
        self._random = random
        self._names = list(names)
        self._left: list[str] = []

    def draw(self) -> str:
        if not self._left:
            self._left = self._random.sample(self._names, len(self._names))
        return self._left.pop()


class Trouble(Actor):
    """Faults of NSX, one or two at a time, each for a while; and now and then none of its nodes is there."""

    seconds = 4.0
    _UNMET = 15.0  # seconds after which others join what nobody has met: at a node that nobody asks, say
    _MANY = 6
    _SELDOM_LOST = 40.0  # seconds from one loss of all, while something is looked for, to the next
    _GONE = 200.0  # of all nodes: longer than the longest back-off takes to come

    def __init__(self, world: World) -> None:
        self._since = self._begun = world.time()
        self._lost = float("-inf")
        api = world.agreed.api
        alone = [name for name in faults_of(api) if FAULTS[name].apis == (api,)]
        self._deck = Deck(world.random, [*faults_of(api), *alone])  # nobody else has these
        self._rules: list[Any] = []
        self._effects = Effects(world)
        world.on_answer = self._answered
        world.sim.objects.watch(self._effects.changed)
        super().__init__(world)

    def acts(self) -> Mapping[str, tuple[int, Act]]:
        return {"begins": (30, self._begin), "NSX is gone": (1, self._gone)}

    def covers(self, seconds: float) -> bool:
        """Whether it may rest for so long: over the run there is still a fault in each minute."""
        met = self.world.counts[MET]
        return met * SELDOM >= self.world.time() - self._since + seconds

    def _begin(self) -> object:
        if not self.world.stormy or any(rule.fired for rule in self._rules):
            return False
        recent = self.world.time() < self._begun + self._UNMET
        if self._rules and (recent or len(self._rules) >= self._MANY):
            return False
        self._begun = self.world.time()
        for _ in range(self.random.choice((1, 2, 2))):
            name = self._deck.draw()
            self._add(name, **self._parameters(name))
        self.later(30, self._end)
        return True

    def _gone(self) -> object:
        if self._rules or not self.world.stormy or not self.covers(self._GONE):
            return False
        self._begun = self.world.time() + self._GONE
        self._add("node-down")
        self.world.schedule.after(self._GONE, self._end)
        return True

    def blind(self) -> None:
        """The search index lies, and nothing else is wrong."""
        self._add("index-drop", fraction=self.random.choice((0.5, 1.0)), seed=self.random.randrange(1000))

    def _answered(self, answer: Answer, sought: Sequence[Name], *, named: bool) -> None:
        """It complains where many single rows are read: there the rate is in somebody's way.

        And it loses all it has just when a sweep looks for what is missing: only a witness tells.
        """
        self._effects.answered(answer)
        if not self.world.stormy or self._rules:
            return
        if named and self.random.random() < 0.01:
            self._add(self.random.choice(("http-429", "http-503")), count=1)
            self.later(10, self._end)
        elif any(self._is_missing(name) for name in sought) and self._is_time_for_loss():
            self.world.count("trouble", "all is lost while something is looked for")
            self._add("inventory-lost")
            self.later(3, self._end)

    def _is_time_for_loss(self) -> bool:
        now = self.world.time()
        if now < self._lost + self._SELDOM_LOST or self.random.random() > 0.5:
            return False
        self._lost = now
        return True

    def _is_missing(self, name: Name) -> bool:
        return not self.world.sim.objects.named(*name)

    def _add(self, name: str, **parameters: Any) -> None:
        self._rules.append(self.world.sim.faults.add(name, **parameters))
        self._effects.standing.add(name)
        if name in HIDING:
            self.world.oracle.evidence.hides(self.world.time())

    def end(self) -> None:
        """All that is under way."""
        for rule in self._rules:
            name = rule.fault.fault
            fired = self._effects.met.pop(name, 0) if FAULTS[name].standing else rule.fired
            self.world.counts["fault", name] += fired
            if fired:
                self.world.count(*MET)
        self._rules.clear()
        self._effects.standing.clear()
        self.world.sim.faults.clear()
        self.world.oracle.evidence.shows(self.world.time())

    def _end(self) -> None:
        """Of this storm; what nobody has met yet goes on."""
        if not self.world.stormy:
            return
        if any(rule.fired for rule in self._rules):
            self.end()
        else:
            self.later(10, self._end)

    def _parameters(self, name: str) -> dict[str, Any]:
        chance = self.random
        own = {key: self._own(name, key, value) for key, value in FAULTS[name].parameters.items()}
        asked = {key: value for key, value in own.items() if value is not None}
        asked["after"] = chance.choice((0, 0, 0, 3, 10))
        asked["count"] = chance.choice((1, 2, 10, None))
        if not FAULTS[name].standing:
            asked["match"] = chance.choice(_PREFIXES[self.world.agreed.api])
        if chance.random() < 0.15 and not FAULTS[name].standing:
            asked["node"] = chance.randrange(len(self.world.sim.urls))
        return asked

    def _own(self, name: str, key: str, default: Any) -> Any:
        chance = self.random
        choices = CHOICES.get(f"{name} {key}", CHOICES.get(key))
        if choices:
            return chance.choice([choice for choice in choices if choice != "huge"])
        values: Mapping[str, Callable[[], Any]] = {
            "seconds": lambda: chance.choice((0.5, 5.0, 30.0)),
            "bytes_per_second": lambda: chance.choice((None, 500.0, 20_000.0)),
            "index": lambda: chance.randrange(10),
            "by": lambda: chance.choice((-7, -1, 1, 50)),
            "fraction": lambda: chance.choice((0.02, 0.1, 0.5, 1.0)),
            "seed": lambda: chance.randrange(1000),
            "retry_after": lambda: chance.choice((None, 1, 5)),
        }
        return values[key]() if key in values else default


class Effects:
    """What came of faults that stand: answers that they have changed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.standing: set[str] = set()
        self.met: Counter[str] = Counter()
        self._altered: dict[str, tuple[str, bytes]] = {}  # NSX ids of what they have changed, each with which

    def changed(self, before: Item | None, after: Item | None) -> None:
        """As `Inventory.watch` tells."""
        if after is None or not self.standing:
            return
        name = "tag-tampered" if after.guise else "duplicate-port" if after.twin and before is None else ""
        if name in self.standing:
            self._altered[after.nsx_id] = name, after.nsx_id.encode()

    def answered(self, answer: Answer) -> None:
        if "password-changed" in self.standing and answer.status in (401, 403):
            self.met["password-changed"] += 1
        if not self.standing:
            self._altered.clear()
        for name, sign in self._altered.values():
            self.met[name] += sign in answer.body


class Death(Actor):
    """The daemon dies, is stopped, or somebody starts a second one by mistake."""

    seconds = 30.0
    _PATIENCE = 70.0  # seconds: the longest back-off, and then some

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._deck = Deck(world.random, POINTS)
        world.on_end = self._restart
        world.start()

    def acts(self) -> Mapping[str, tuple[int, Act]]:
        return {
            "is doomed": (7, self._in_storms(self._doom)),
            "is stopped": (1, self._in_storms(self._stop)),
            "a second one": (1, self._second),
            "the clock is set": (1, self._in_storms(self._set_clock)),
            "is silent, and stopped": (3, self._in_storms(self._stop_silent)),
        }

    def _in_storms(self, act: Act) -> Act:
        return lambda: act() if self.world.stormy else False

    def _process(self) -> Process | None:
        return self.random.choice(list(self.world.processes.values())) if self.world.processes else None

    def _doom(self) -> object:
        process = self._process()
        if process is None or process.doomed:
            return False
        point = self._deck.draw()
        process.doomed = (point, self.random.choice((0, 0, 1, 5, 20)))
        if point == WAITING:
            process.kill()
        return True

    def spare(self) -> None:
        """Nobody dies before the next storm, and the clock is right."""
        self.world.machine.skew = 0.0
        for process in self.world.processes.values():
            process.doomed = None

    def _stop(self) -> object:
        process = self._process()
        return False if process is None else process.stop()

    def _stop_silent(self) -> object:
        """An operator restarts what does not ask any more, as its account was refused."""
        silent = self.world.time() > self.world.heard + self._PATIENCE
        return self._stop() if silent else False

    def _second(self) -> object:
        if len(self.world.processes) != 1:
            return False
        second = self.world.start()
        self.later(300, lambda: second.alive and len(self.world.processes) > 1 and second.stop())
        return True

    def _set_clock(self) -> object:
        if self.world.machine.skew:
            return False
        self.world.machine.skew = self.random.choice((-3600.0, -30.0, -1.0, 1.0, 30.0, 3600.0))
        self.later(120, lambda: setattr(self.world.machine, "skew", 0.0))
        return True

    def _restart(self, _process: Process) -> None:
        def again() -> None:
            if not self.world.processes:
                self.world.start()

        self.world.schedule.after(self.random.uniform(0, 10), again)


class Weather:
    """Storm and calm in turn, beginning with a storm."""

    _STORM = (100.0, 300.0)  # seconds
    _MORE = 5.0  # of a storm in which too few faults were met
    _CALM = (80.0, 120.0)
    _BLIND = 240.0  # of a calm in which the index lies
    _FOUND_OUT = 120.0  # seconds after which that has been noticed

    def __init__(self, world: World) -> None:
        self._world = world
        self.trouble = Trouble(world)
        self.death = Death(world)
        self.operator = Operator(world)
        self._skies = Deck(world.random, ("clear", "blind") if world.agreed.api == "policy" else ("clear",))
        self._since = float("inf")  # there has been nothing that staleness could be excused with
        self._over = False
        world.troubled = lambda: self._since
        self._sky = ""  # of the next calm
        self._storm()

    def rest(self) -> None:
        """For ever."""
        self.trouble.resting = self.death.resting = self.operator.resting = self._over = True
        self._lull()

    def _storm(self) -> None:
        if self._over:
            return
        self.trouble.end()
        self._world.stormy, self._since = True, float("inf")
        self._sky = self._skies.draw()
        self._world.schedule.after(self._world.random.uniform(*self._STORM), self._calm)

    def _calm(self) -> None:
        if self._over:
            return
        blind = self._sky == "blind"
        if not self.trouble.covers(self._BLIND if blind else self._CALM[1]):
            self._world.schedule.after(self._MORE, self._calm)
            return
        self._lull()
        if blind:
            self._world.count("trouble", "only the index lies")
            self.trouble.blind()
            self._since += self._FOUND_OUT
            self._world.schedule.after(self._BLIND, self._storm)
        else:
            self._world.count("trouble", "there is none")
            self._world.schedule.after(self._world.random.uniform(*self._CALM), self._storm)

    def _lull(self) -> None:
        self._world.stormy = False
        self.trouble.end()
        self.death.spare()
        self.operator.spare()
        self._since = self._world.time()
