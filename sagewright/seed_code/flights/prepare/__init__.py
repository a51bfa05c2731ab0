"""Makes the files of `data/` from five public tables: `python -m prepare`."""
