"""Targets beside figures."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple


class Check(NamedTuple):
    """A figure of each round, whose median must not exceed the target."""

    what: str
    figures: Sequence[float]
    target: float
    unit: str

    @property
    def met(self) -> bool:
        return median(self.figures) <= self.target

    def __str__(self) -> str:
        verdict = "met" if self.met else "MISSED"
        figure, target = (f"{each}{self.unit}" for each in (spread(self.figures), f"{self.target:g}"))
        return f"{verdict:6}  {self.what}: {figure}, target {target}"


def spread(figures: Sequence[float]) -> str:
    """The median, and the least and the greatest where they differ from it."""
    middle, least, most = (_short(each) for each in (median(figures), min(figures), max(figures)))
    return middle if least == most else f"{middle} [{least}-{most}]"


def _short(figure: float) -> str:
    return f"{figure:.3g}" if abs(figure) < 100 else f"{figure:.0f}"
