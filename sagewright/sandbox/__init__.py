"""Why: an embedded AWS that rejects what AWS rejects, fed only by the artifacts that AWS itself would get."""
