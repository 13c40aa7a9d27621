"""A store that holds a bucket of as many keys as wanted, made up as they are asked for: manykeys.py KEYS. Prints its port.
It knows only ListBuckets and ListObjectsV2, without signatures: what is measured is the console, not the store."""
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

COUNT = int(sys.argv[1])
HEAD = '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
ENTRY = ('<Contents><Key>flat/part-%09d.parquet</Key><LastModified>2026-11-21T03:00:00.000Z</LastModified>'
         '<ETag>&quot;9dd4e461268c8034f5c8564e155c67a6&quot;</ETag><Size>1000</Size><StorageClass>STANDARD</StorageClass></Contents>')


def number_after(key):
    """The first number whose key follows this one."""
    rest = key.removeprefix("flat/part-")
    digits = rest[:9][:len(rest[:9]) - len(rest[:9].lstrip("0123456789"))]
    after = rest[len(digits):]
    step = 10 ** (9 - len(digits))
    if not digits:
        return 0
    past = after >= ".parquet" if step == 1 else after > "9"
    return (int(digits) + past) * step


class Store(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        if url.path == "/":
            body = ("<ListAllMyBucketsResult><Buckets><Bucket><Name>many</Name>"
                    "<CreationDate>2026-11-01T00:00:00.000Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>")
        elif query.get("delimiter") and not query.get("prefix"):
            body = HEAD + "<IsTruncated>false</IsTruncated><CommonPrefixes><Prefix>flat/</Prefix></CommonPrefixes></ListBucketResult>"
        else:
            start = int(query["continuation-token"]) if "continuation-token" in query else number_after(query.get("start-after", ""))
            end = min(COUNT, start + int(query.get("max-keys", 1000)))
            more = end < COUNT
            body = (HEAD + f"<IsTruncated>{str(more).lower()}</IsTruncated><EncodingType>url</EncodingType>"
                    + (f"<NextContinuationToken>{end}</NextContinuationToken>" if more else "")
                    + "".join(ENTRY % i for i in range(start, end)) + "</ListBucketResult>")
        data = body.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
print(server.server_address[1], flush=True)
server.serve_forever()
