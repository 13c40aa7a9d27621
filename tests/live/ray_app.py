"""A model in Ray Serve, over plain HTTP with no description of itself: import path ray_app:app."""
from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse


@serve.deployment(name="Price", num_replicas=1, ray_actor_options={"num_cpus": 0.1})
class Price:
    async def __call__(self, request: Request):
        try:
            row = await request.json()
            price = (412000.0 - 9000.0 * (row["bed"] - 3.3) + 61000.0 * (row["bath"] - 2.4)
                     + 148.0 * (row["house_size"] - 1850.0))
        except (KeyError, TypeError, ValueError) as e:
            return JSONResponse({"error": f"{type(e).__name__}: {e}"}, status_code=400)
        return {"prediction": price, "model_version": "ray-1"}


app = Price.bind()
