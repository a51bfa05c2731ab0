"""`sagewright features …`: the groups of the feature store, what they hold, and how they may change."""
