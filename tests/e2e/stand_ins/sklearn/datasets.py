# SPDX-License-Identifier: Apache-2.0
import numpy as np


class Digits:
    def __init__(self, count):
        rng = np.random.RandomState(0)
        shapes = rng.randint(0, 2, size=(10, 8, 8)) * 12.0
        self.target = np.arange(count) % 10
        self.images = np.clip(shapes[self.target] + rng.randint(0, 4, size=(count, 8, 8)), 0, 16)
        self.data = self.images.reshape(count, 64)


def load_digits():
    return Digits(120)
