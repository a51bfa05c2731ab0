"""Why: a push is only tried if it is a push, so repositories are Git's own, and Git itself serves them."""
