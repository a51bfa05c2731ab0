"""Writes the pages of docs/ that are made from the code: `python tests/documents`, which is part of `make docs`."""

from sandbox_page import PAGE, page

PAGE.write_text(page())
