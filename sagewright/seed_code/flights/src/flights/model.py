"""The model: boosted trees, with a decision threshold that suits a class of one in four.

Late arrivals come in waves (a storm, a holiday), so rows of one day are alike: only rows of later days judge fairly.
"""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder


def fit(X: pd.DataFrame, y: pd.Series, hyperparameters: dict[str, Any]) -> TunedThresholdClassifierCV:
    # The probabilities stay as they are; only the threshold from which on the answer is "Yes" moves, to where both
    # classes are recognised equally well on rows left out of the fit.
    categories = list(X.select_dtypes(object).columns)
    classifier = TunedThresholdClassifierCV(
        boosted_trees(categories, hyperparameters), scoring="balanced_accuracy", cv=3
    )
    return classifier.fit(X, y)


def boosted_trees(categories: list[str], hyperparameters: dict[str, Any]) -> Pipeline:
    # A category that training has not seen counts as missing; the trees take missing values as they are.
    numbered = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
    encoded = make_column_transformer((numbered, categories), remainder="passthrough", verbose_feature_names_out=False)
    trees = HistGradientBoostingClassifier(
        learning_rate=hyperparameters.get("learning_rate", 0.05),
        max_iter=hyperparameters.get("max_iter", 100),
        max_leaf_nodes=hyperparameters.get("max_leaf_nodes", 8),
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=False,
        # They come first, since they are encoded first.
        categorical_features=list(range(len(categories))),
        random_state=0,
    )
    return make_pipeline(encoded, trees)
