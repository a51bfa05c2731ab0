"""One page about one version: how it was made, how good it is, what it answers, and whether its data still look alike.

`page.write` makes a single file that needs nothing else: it can be mailed, printed, and opened without a network. It is
not imported here: it loads scikit-learn and Plotly, which takes longer than most commands, and only the demo needs it.
"""
