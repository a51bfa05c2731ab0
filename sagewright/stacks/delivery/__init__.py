"""The way from a push to an endpoint: the pipelines, the builds in them, and who hears of what happens there."""
