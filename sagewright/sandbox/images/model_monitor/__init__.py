"""Why: Model Monitor's analyzer is AWS's alone, so a small honest program stands in for it, and says so.

Its files and rules are the documented ones; what those leave open is as in Deequ, on which AWS's is built.
"""
