#!/usr/bin/env python3
"""A model in the genuine KServe SDK's server, V1 and V2, with an explainer: kserve_model.py --http_port P --grpc_port Q

Linear in the price itself, so that attributions are in the answer's own space (model_service.py's are in log1p).
"""
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer

NAMES = ["bed", "bath", "acre_lot", "house_size"]
MEANS = [3.3, 2.4, 0.3, 1850.0]
WEIGHTS = [-9000.0, 61000.0, 23000.0, 148.0]
BASE = 412000.0


def parts(row):
    values = [row.get(k, m) for k, m in zip(NAMES, MEANS)] if isinstance(row, dict) else list(row)
    if len(values) != len(NAMES):
        raise ValueError(f"expected {len(NAMES)} features, got {len(values)}")
    return [w * (float(v) - m) for w, v, m in zip(WEIGHTS, values, MEANS)]


class Price(Model):
    def __init__(self):
        super().__init__("price")
        self.load()

    def load(self):
        self.ready = True
        return self.ready

    async def get_input_types(self):
        return [{"name": k, "datatype": "FP64", "shape": [-1]} for k in NAMES]

    async def get_output_types(self):
        return [{"name": "price", "datatype": "FP64", "shape": [-1]}]

    def predict(self, payload, headers=None, response_headers=None):
        if isinstance(payload, InferRequest):
            rows = list(zip(*[list(i.as_numpy().flatten()) for i in payload.inputs]))
            prices = [BASE + sum(parts(r)) for r in rows]
            out = InferOutput(name="price", shape=[len(prices)], datatype="FP64", data=prices)
            return InferResponse(response_id=payload.id or "1", model_name=self.name, infer_outputs=[out])
        return {"predictions": [BASE + sum(parts(r)) for r in payload["instances"]]}

    def explain(self, payload, headers=None):
        rows = [parts(r) for r in payload["instances"]]
        return {"explanations": [{"base_value": BASE, "shap_values": r, "feature_names": NAMES} for r in rows]}


if __name__ == "__main__":
    import argparse
    from kserve import model_server
    args, _ = argparse.ArgumentParser(parents=[model_server.parser]).parse_known_args()
    ModelServer(workers=1, http_port=args.http_port, grpc_port=args.grpc_port).start([Price()])
