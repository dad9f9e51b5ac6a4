"""The documentation site: `make docs` writes it to build/docs, with warnings as errors and without a network."""

import os
import sys
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")  # classes are imported, nothing is computed
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "bench")]

import docstrings  # noqa: E402

from memorax import __version__  # noqa: E402

project = "Memorax"
author = "the Memorax authors"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["conf.py", "docstrings.py"]
highlight_language = "text"  # of blocks that do not say theirs: what a terminal shows

smartquotes = False  # quotes are as they are typed
myst_heading_anchors = 3  # links to headings, as GitHub has them
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # a method says something of its own, or is as the contract has it
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {
    "members": True,
    "special-members": "__call__",
    # what flax and dataclasses add to every class of theirs
    "exclude-members": "name, parent, path, replace, scope, setup, variables",
}

html_theme = "pydata_sphinx_theme"
html_title = "Memorax"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": True,
    "show_prev_next": True,
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


def leave_links_inside(app, page, source):
    """What GitHub shows beside this folder is a page of the site."""
    source[0] = source[0].replace("](../CONTRIBUTING.md)", "](contributing.md)")


def setup(app):
    app.connect("source-read", leave_links_inside)
    app.connect("autodoc-skip-member", docstrings.foreign)
    app.connect("autodoc-process-docstring", docstrings.process)
    app.connect("autodoc-process-signature", docstrings.signature)
    return {"parallel_read_safe": True}
