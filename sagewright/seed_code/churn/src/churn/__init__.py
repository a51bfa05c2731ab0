"""Which customers leave: `features`, `fit` and `evaluate` are what the training pipeline and the endpoint call."""
