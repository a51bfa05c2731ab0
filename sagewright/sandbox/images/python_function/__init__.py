"""Why: what Lambda's runtime for Python does around a handler, as a program of its own."""
