"""Fixtures of end-to-end tests alone: what they import takes seconds."""

from scenes import neutron, stage

__all__ = ["neutron", "stage"]
