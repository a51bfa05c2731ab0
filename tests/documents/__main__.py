"""Writes the pages of docs/ that are made from the code: `python tests/documents`, which is part of `make docs`."""

import architecture_page
import delivery_roles
import sandbox_page

for each in (architecture_page, delivery_roles, sandbox_page):
    each.PAGE.write_text(each.page())
