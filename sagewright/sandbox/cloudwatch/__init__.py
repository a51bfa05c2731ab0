"""Why: metrics and alarms decide over deployments, so here they are counted and evaluated, at the sandbox's pace."""
