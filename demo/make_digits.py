# SPDX-License-Identifier: Apache-2.0
"""Writes scikit-learn's digits (1,797 scanned ones, 8 x 8) as PNG files and trains a small classifier: make_digits.py FOLDER"""
import os
import pickle
import sys

from PIL import Image
from sklearn.datasets import load_digits
from sklearn.svm import SVC

folder = sys.argv[1]
images = os.path.join(folder, "images")
models = os.path.join(folder, "models", "digits")
os.makedirs(images, exist_ok=True)
os.makedirs(models, exist_ok=True)
digits = load_digits()
for i, (pixels, label) in enumerate(zip(digits.images, digits.target)):
    Image.fromarray((pixels * 15).astype("uint8")).save(os.path.join(images, "%04d_%d.png" % (i, label)))
half = len(digits.target) // 2
model = SVC(gamma=0.001).fit(digits.data[:half], digits.target[:half])
with open(os.path.join(models, "model.pickle"), "wb") as f:
    pickle.dump(model, f)
print("%d images in %s; a classifier trained on %d of them in %s" % (len(digits.target), images, half, models))
