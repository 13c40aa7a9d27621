#!/usr/bin/env python3
"""A model as MLflow saves it, with a signature, for `mlflow models serve`: scoring_model.py FOLDER

Run by the Python of the MLflow that will serve it: 1.28, 2.22 and 3.x. Linear, the same as kserve_model.py's.
"""
import sys

import mlflow.pyfunc
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import ColSpec, Schema

NAMES = ["bed", "bath", "acre_lot", "house_size"]
MEANS = [3.3, 2.4, 0.3, 1850.0]
WEIGHTS = [-9000.0, 61000.0, 23000.0, 148.0]
BASE = 412000.0


class Price(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [BASE + sum(w * (float(row[k]) - m) for k, w, m in zip(NAMES, WEIGHTS, MEANS))
                for _, row in model_input.iterrows()]


signature = ModelSignature(inputs=Schema([ColSpec("double", k) for k in NAMES]), outputs=Schema([ColSpec("double")]))
mlflow.pyfunc.save_model(sys.argv[1], python_model=Price(), signature=signature,
                         conda_env={"name": "live", "dependencies": ["python", {"pip": ["mlflow"]}]})
