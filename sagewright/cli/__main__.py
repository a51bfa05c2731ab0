"""`python -m sagewright.cli`: the console script without its file, as tests and tools call it."""

from sagewright.cli import main

main()
