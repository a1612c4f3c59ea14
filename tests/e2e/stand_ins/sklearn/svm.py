# SPDX-License-Identifier: Apache-2.0
import numpy as np


class SVC:
    """The nearest mean."""

    def __init__(self, gamma):
        self.gamma = gamma

    def fit(self, data, target):
        self.classes = np.unique(target)
        self.means = np.array([data[target == c].mean(axis=0) for c in self.classes])
        return self

    def predict(self, data):
        return self.classes[np.argmin(((data[:, None, :] - self.means[None]) ** 2).sum(axis=2), axis=1)]
