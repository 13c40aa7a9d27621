"""Fills the stores of the live test: s3seed.py ENDPOINT BUCKET KEYS. Prints what the test compares with."""
import gzip, json, sys
import boto3
from botocore.config import Config
from concurrent.futures import ThreadPoolExecutor

endpoint, bucket, keys = sys.argv[1], sys.argv[2], int(sys.argv[3])
s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1",
                  config=Config(s3={"addressing_style": "path"}, max_pool_connections=8))
s3.create_bucket(Bucket=bucket)


def put(key, body, **more):
    s3.put_object(Bucket=bucket, Key=key, Body=body, **more)


table = "id,city,price\n" + "".join(f"{i},\"Kraków, PL\",{i * 1000}\n" for i in range(2000))
put("raw/prices.csv", table)
put("raw/prices.csv.gz", gzip.compress(table.encode()))
put("raw/config.yaml", "model: real_estate_model\nthreshold: 0.2\n")
put("raw/report.json", json.dumps({"drift": True, "scores": [0.1, 0.2], "who": {"a": 1}}))
put("raw/model.pkl", b"\x80\x04\x95" + bytes(100), Metadata={"trained-by": "airflow"}, ContentType="application/octet-stream")
put("raw/empty.txt", b"")
put("odd/é à/日本 +&%41.txt", "odd name\n")
put("odd/a b+c=d.txt", "blanks and pluses\n")
put("big/object.bin", bytes(range(256)) * (64 << 12))    # 64 MiB
put("mlflow/1/abc/artifacts/model/MLmodel", "flavors: {}\n")
with ThreadPoolExecutor(8) as pool:
    for day in range(4):
        list(pool.map(lambda i: put(f"many/day={day}/part-{i:06d}.csv", f"{i}\n"), range(keys // 400)))
    list(pool.map(lambda i: put(f"flat/part-{i:06d}.csv", b"x" * 10), range(keys)))
try:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for text in ("one", "two", "three"):
        put("versioned/state.json", json.dumps(text))
    s3.delete_object(Bucket=bucket, Key="versioned/state.json")
except Exception as error:
    print("no versions:", error, file=sys.stderr)
print("seeded", bucket)
