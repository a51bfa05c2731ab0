"""The model: boosted trees, with a decision threshold that suits a class of one in four.

Chosen by five-fold cross-validation, three times over, on the training rows alone. Average precision, mean of the
folds: boosted trees 0.67, logistic regression 0.65; always answering with the share of leavers has 0.27.
"""

from typing import Any

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder


def fit(X: pd.DataFrame, y: pd.Series, hyperparameters: dict[str, Any]) -> TunedThresholdClassifierCV:
    # Class weights would bend the probabilities. They stay as they are instead, and only the threshold from which on
    # the answer is "Yes" moves: to where both classes are recognised equally well, on rows left out of the fit.
    classifier = TunedThresholdClassifierCV(boosted_trees(hyperparameters), scoring="balanced_accuracy", cv=3)
    return classifier.fit(X, y)


def boosted_trees(hyperparameters: dict[str, Any]) -> Pipeline:
    # A category that training has not seen becomes all zeros; the trees take missing numbers as they are.
    encoded = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), text_columns),
        remainder="passthrough",
    )
    trees = HistGradientBoostingClassifier(
        learning_rate=hyperparameters.get("learning_rate", 0.05),
        max_iter=hyperparameters.get("max_iter", 120),
        max_leaf_nodes=hyperparameters.get("max_leaf_nodes", 8),
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )
    return make_pipeline(encoded, trees)


def text_columns(X: pd.DataFrame) -> list[str]:
    return list(X.select_dtypes(object).columns)
