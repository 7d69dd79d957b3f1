"""Defects of the original, each as a patch of this program: the simulation, or a law, must notice every one.

The head of a patch says what it breaks, which of the original's defects that was, and who is to notice.
"""
