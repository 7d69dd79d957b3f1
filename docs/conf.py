"""Sphinx: Markdown pages, nothing from the network."""

from importlib.metadata import version as version_of

project = "networking-nsx"
author = "The networking-nsx developers"
project_copyright = "the networking-nsx developers"
version = release = version_of("networking-nsx")

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "tools"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"networking-nsx {version}"
html_copy_source = False
html_show_sphinx = False
