# SPDX-License-Identifier: Apache-2.0
"""Classifies digits: the entry script of the demo."""
import os
import pickle

import numpy as np
from azureml.core.model import Model
from PIL import Image


def init():
    global model
    with open(os.path.join(Model.get_model_path("digits"), "model.pickle"), "rb") as f:
        model = pickle.load(f)


def run(mini_batch):
    print(f"run method start: {__file__}, run({len(mini_batch)} files)")
    results = []
    for path in mini_batch:
        pixels = np.asarray(Image.open(path), dtype=float).reshape(1, -1) / 15
        results.append("{}: {}".format(os.path.basename(path), model.predict(pixels)[0]))
    return results
