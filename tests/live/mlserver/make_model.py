#!/usr/bin/env python3
"""Makes the models that MLServer serves: make_model.py FOLDER, with the Python of MLServer's own venv.

FOLDER gets price/ (columns by name), tensor/ (one tensor of four numbers) and settings.json; then
`MLSERVER_HTTP_PORT=... mlserver start FOLDER`.
"""
import json
import os
import sys

import joblib
import numpy
import pandas
from sklearn.linear_model import LinearRegression

NAMES = ["bed", "bath", "acre_lot", "house_size"]
here = os.path.dirname(os.path.abspath(__file__))
to = sys.argv[1]
random = numpy.random.default_rng(7)
rows = numpy.column_stack([random.integers(1, 7, 400), random.integers(1, 5, 400), random.uniform(0.05, 3, 400),
                           random.uniform(600, 5000, 400)])
price = 90000 + rows @ numpy.array([-9000.0, 61000.0, 23000.0, 148.0])
for name, table in (("price", pandas.DataFrame(rows, columns=NAMES)), ("tensor", rows)):
    os.makedirs(os.path.join(to, name), exist_ok=True)
    joblib.dump(LinearRegression().fit(table, price), os.path.join(to, name, "model.joblib"))
    with open(os.path.join(here, name + ".json")) as f:
        settings = json.load(f)
    with open(os.path.join(to, name, "model-settings.json"), "w") as f:
        json.dump(settings, f)
with open(os.path.join(here, "settings.json")) as f, open(os.path.join(to, "settings.json"), "w") as out:
    out.write(f.read())
