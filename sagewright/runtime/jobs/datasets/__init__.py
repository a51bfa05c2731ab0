"""The dataset job: labelled rows get the features that were known at their time."""
