"""Why: what the managed scikit-learn image itself does, beside holding packages."""
