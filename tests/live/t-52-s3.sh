#!/usr/bin/env bash
# Object stores: versitygw, which checks every signature, and moto: buckets, places of 20,000 and of a million keys, previews,
# versions, links, downloads that are cut, and each mistake told by its cause.
# needs: s3 moto
# apart: registry
. "$(dirname "$0")/lib.sh"

tools=$(dirname "$BINNACLE")/tests/live
screen=$tools/screen_drive
bucket=t52-$$
clean() {
	rm -rf "${S3_DATA:?}/$bucket" "$scratch"
	[[ -z ${store:-} ]] || kill "$store" 2>/dev/null
	[[ -z ${hosts:-} ]] || kill "$hosts" 2>/dev/null
	[[ -z ${gate:-} ]] || kill "$gate" 2>/dev/null
}
trap clean EXIT
export T52_ID=$S3_ACCESS_KEY T52_SECRET=$S3_SECRET_KEY T52_WRONG=AKIAWRONGWRONGWRONG AWS_EC2_METADATA_DISABLED=true
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION
keys='access_key: {env: T52_ID}, secret_key: {env: T52_SECRET}'

# source FILE SETTINGS: for the tools, and FILE.yaml with it for the program
source_of() {
	echo "{type: s3, $2}" >"$scratch/$1"
	echo "sources: {store: {type: s3, $2}}" >"$scratch/$1.yaml"
}
get() {
	binnacle --config "$scratch/$1.yaml" --wait 40 get "${@:2}" 2>&1
}
open() {                 # WHAT KEY [PARAMS]
	timeout -k 5 180 "$tools/drive" --source "$(cat "$scratch/vgw")" open "$1" objects "$2" "${3:-}" 2>&1
}
# put URL PATH FILE [HEADER]...: with a signature, as the simplest request that curl 7.88 signs well
put() {
	local url=$1 path=$2 file=$3
	shift 3
	curl -sf -X PUT --aws-sigv4 aws:amz:us-east-1:s3 -u "$T52_ID:$T52_SECRET" -H "x-amz-content-sha256: $(sha256sum <"$file" | cut -c1-64)" \
		-H 'Content-Type: application/octet-stream' "$@" --data-binary "@$file" "$url/$path" -o /dev/null
}

source_of vgw "endpoint: '$S3_URL', $keys"
source_of moto "endpoint: '$MOTO_URL', $keys"
: >"$scratch/empty"
put "$S3_URL" "$bucket" "$scratch/empty"
python3 - "$S3_DATA/$bucket" <<'P'
import gzip, os, sys
top = sys.argv[1]
for place in ("flat", "raw", "odd", "deep/a", "big"):
    os.makedirs(f"{top}/{place}")
for i in range(20000):
    open(f"{top}/flat/part-{i:06d}.csv", "w").close()
table = "id,city,price\n" + "".join(f'{i},"Kraków, PL",{i * 1000}\n' for i in range(5000))
open(f"{top}/raw/prices.csv", "w").write(table)
open(f"{top}/raw/prices.csv.gz", "wb").write(gzip.compress(table.encode()))
open(f"{top}/raw/report.json", "w").write('{"drift":true,"scores":[0.1]}')
open(f"{top}/odd/é 日本 +&%41=.txt", "w").write("an odd name\n")
open(f"{top}/deep/a/b", "w").write("x" * 100)
with open(f"{top}/big/object.bin", "wb") as f:
    for i in range(300):
        f.write(bytes([i % 251]) * (1 << 20))
P
echo '{"v":1}' >"$scratch/one"
put "$S3_URL" "$bucket/raw/tagged.json" "$scratch/one" -H 'x-amz-meta-owner: ml-team'

# ---- what is there
like "versitygw takes our signature" "$bucket" "$(get vgw buckets)"
like "doctor is content" 'the signature is taken.*agrees with the server' "$(binnacle --config "$scratch/vgw.yaml" doctor 2>&1 | tr '\n' ' ')"
said=$("$tools/s3_walk" "$scratch/vgw" "$bucket/flat/" 20 2>&1)
like "20,000 keys come page by page, four pages at a time, and back" 'pages 20 seen 20000 most 4000 .*back 16000' "$said"
like "a table" 'id +city +price.0 +Kraków, PL +0.1 ' "$(open preview "$bucket/raw/prices.csv" | tr '\n' '.')"
like "the preview says how much it shows" 'the first 64Ki of' "$(open preview "$bucket/raw/prices.csv")"
like "a table out of gzip" '4999 +Kraków, PL +4999000' "$(open preview "$bucket/raw/prices.csv.gz")"
like "JSON is indented" '"scores": \[' "$(open preview "$bucket/raw/report.json")"
equal "a name with every odd character" "an odd name" "$(open preview "$bucket/odd/é 日本 +&%41=.txt")"
like "what HEAD tells" 'size: 8 .*metadata:.*owner: ml-team' "$(open describe "$bucket/raw/tagged.json" | tr '\n' ' ')"
like "what is not there is said so" 'the object is not there' "$(open preview "$bucket/raw/none.json")"
like "a bucket that is not there too" "there is no bucket 'no-such-bucket'" "$(open preview no-such-bucket/x)"

# ---- headless, by place
like "objects of a place, as a link names it" '^NAME.*prices.csv .*prices.csv.gz .*report.json .*tagged.json ' "$(get vgw objects "s3://$bucket/raw/" | tr '\n' ' ')"
equal "filtered" 1 "$(get vgw objects "$bucket/raw/" 'size>100Ki' -o csv | grep -c '^store,')"
equal "a prefix that ends in the middle of a name" 10 "$(get vgw objects "s3://$bucket/flat/part-00001" -o csv | grep -c '^store,part-00001')"
like "a place that is not there" "there is no bucket 'no-such-bucket'" "$(get vgw objects no-such-bucket/x/)"
like "nothing in it" 'no objects there' "$(get vgw objects "$bucket/none/")"
like "no place" 'name one: binnacle get objects s3://' "$(get vgw objects 'size>1')"

# ---- links
link=$(open link "$bucket/raw/report.json" '{"expires":60}' | grep -o 'http.*')
equal "a link is followed by anyone" '{"drift":true,"scores":[0.1]}' "$(curl -s "$link")"
equal "but not to another object" 403 "$(curl -s -o /dev/null -w '%{http_code}' "${link/report.json/prices.csv}")"
link=$(open link "$bucket/odd/é 日本 +&%41=.txt" '' | grep -o 'http.*')
equal "a link to an odd name" "an odd name" "$(curl -s "$link")"

# ---- downloads
want=$(sha256sum <"$S3_DATA/$bucket/big/object.bin")
# through a gate that holds after 20 MB, so that it is killed in the middle however quick or slow it is
cat >"$scratch/gate.py" <<'P'
import http.client, http.server, sys, time
class Gate(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do(self):
        c = http.client.HTTPConnection(sys.argv[1].split("//")[1], timeout=60)
        c.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for k, v in self.headers.items():
            c.putheader(k, v)
        c.endheaders()
        a = c.getresponse()
        self.send_response(a.status)
        for k, v in a.getheaders():
            if k.lower() not in ("transfer-encoding", "connection"):
                self.send_header(k, v)
        self.end_headers()
        if self.command == "HEAD":
            return
        for _ in range(20):
            self.wfile.write(a.read(1 << 20))
        if a.read(1):
            self.wfile.flush()
            time.sleep(600)
    do_GET = do_HEAD = do
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate)
print(server.server_port, flush=True)
server.serve_forever()
P
python3 "$scratch/gate.py" "$S3_URL" >"$scratch/gate" 2>"$scratch/gate.log" &
gate=$!
within 30 test -s "$scratch/gate"
"$tools/drive" --source "{type: s3, endpoint: 'http://127.0.0.1:$(<"$scratch/gate")', $keys}" open download objects "$bucket/big/object.bin" \
	"{\"file\":\"$scratch/got.bin\"}" >"$scratch/said" 2>&1 &
driver=$!
has_part() { compgen -G "$scratch/got.bin.*.part" && [[ -s $(compgen -G "$scratch/got.bin.*.part") ]]; }
within 30 has_part
kill -9 "$driver"
wait "$driver" 2>/dev/null
kill "$gate"
wait "$gate" 2>/dev/null
gate=''
part=$(stat -c %s "$scratch"/got.bin.*.part)
[[ $part -gt 0 && $part -lt 314572800 && ! -e $scratch/got.bin ]] && ok "a download that is killed leaves its part" ||
	not_ok "a download that is killed leaves its part" "part: $part bytes" "$(ls -la "$scratch")"
said=$(open download "$bucket/big/object.bin" "{\"file\":\"$scratch/got.bin\"}")
first=$(grep -o '"got":[0-9]*' <<<"$said" | head -1 | cut -d: -f2)
equal "and goes on to the whole" "$want" "$(sha256sum <"$scratch/got.bin")"
[[ ${first:-0} -ge $part ]] && ok "from where it was" || not_ok "from where it was" "part $part, first told $first"
like "and writes over nothing" 'exists already' "$(open download "$bucket/raw/report.json" "{\"file\":\"$scratch/got.bin\"}")"

# ---- causes
source_of wrong "endpoint: '$S3_URL', access_key: {env: T52_WRONG}, secret_key: {env: T52_SECRET}"
like "a wrong key" 'does not know the access key AKIAWRON' "$(get wrong buckets)"
source_of wrong "endpoint: '$S3_URL', access_key: {env: T52_ID}, secret_key: {env: T52_WRONG}"
like "a wrong secret" 'the secret key that goes with the access key .* is wrong' "$(get wrong buckets)"
unlike "and the secret is never said" 'WRONGWRONG' "$(get wrong buckets)"
source_of wrong "endpoint: '$S3_URL'"
like "no credentials" 'no credentials: no access_key' "$(get wrong buckets)"
source_of wrong "endpoint: 'http://127.0.0.1:1', $keys"
like "no server" 'cannot be reached' "$(get wrong buckets)"
source_of wrong "endpoint: '$S3_URL', anonymous: true"
like "nobody in particular" 'nobody in particular may not list the buckets' "$(get wrong buckets)"
source_of wrong "endpoint: '$S3_URL', region: eu-central-1, $keys"
like "a wrong region is put right" "$bucket +us-east-1" "$(get wrong buckets)"
cat >"$scratch/skew.c" <<'C'
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t c, struct timespec *t)
{
	int r = (int)syscall(SYS_clock_gettime, c, t);
	if (c == CLOCK_REALTIME)
		t->tv_sec -= 1000;
	return r;
}
C
if ${CC:-cc} -shared -fPIC -o "$scratch/skew.so" "$scratch/skew.c" 2>/dev/null && [[ $BINNACLE != *-asan* && $BINNACLE != *-sanitize* ]]; then
	like "a clock that is 1000 s slow does not keep us out" "$bucket" "$(LD_PRELOAD=$scratch/skew.so get vgw buckets)"
	like "and doctor says by how much" "clock is 16m(3[0-9]|40|41)s behind" "$(LD_PRELOAD=$scratch/skew.so binnacle --config "$scratch/vgw.yaml" doctor 2>&1)"
else
	skip "a clock that is 1000 s slow" "no shared object could be made"
fi

# ---- the chain of credentials
mkdir -p "$HOME/.aws"
source_of chain "endpoint: '$S3_URL'"
like "keys from the environment" "$bucket" "$(AWS_ACCESS_KEY_ID=$T52_ID AWS_SECRET_ACCESS_KEY=$T52_SECRET get chain buckets)"
printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$T52_ID" "$T52_SECRET" >"$HOME/.aws/credentials"
like "keys from the shared file" "$bucket" "$(get chain buckets)"
printf '[profile proc]\ncredential_process = printf %s\n' "'{\"Version\":1,\"AccessKeyId\":\"$T52_ID\",\"SecretAccessKey\":\"$T52_SECRET\"}'" >"$HOME/.aws/config"
source_of proc "endpoint: '$S3_URL', profile: proc"
like "keys from a process" "$bucket" "$(get proc buckets)"
rm "$HOME/.aws/credentials"
echo token >"$scratch/token"
source_of sts "endpoint: '$MOTO_URL'"
said=$(AWS_ROLE_ARN=arn:aws:iam::123456789012:role/ml AWS_WEB_IDENTITY_TOKEN_FILE=$scratch/token AWS_ENDPOINT_URL_STS=$MOTO_URL \
	binnacle --config "$scratch/sts.yaml" doctor 2>&1)
like "keys for a web identity, from moto's STS" 'web identity for the role arn:aws:iam::123456789012:role/ml, for 5?[0-9]' "$said"

# ---- moto
put "$MOTO_URL" "$bucket" "$scratch/empty"
put "$MOTO_URL" "$bucket/a/b%20c.json" "$scratch/one"
like "moto's buckets" "$bucket" "$(get moto buckets)"
like "moto's objects" 'pages 1 seen 1 ' "$("$tools/s3_walk" "$scratch/moto" "$bucket/a/" 2>&1)"

# ---- each bucket a host of its own, and more of them than one answer holds: a gateway of our own
port=$(free_ports 1)
mkdir -p "$scratch/gateway/models/a/b"
(cd "$scratch/gateway" && seq -f 'b-%04g' 1100 | xargs mkdir && echo a model >models/a/b/x.txt)
ROOT_ACCESS_KEY=$T52_ID ROOT_SECRET_KEY=$T52_SECRET "$BIN/versitygw" --port "127.0.0.1:$port" --virtual-domain "localhost:$port" \
	--health /health posix "$scratch/gateway" >"$scratch/hosts.log" 2>&1 &
hosts=$!
within 10 curl -s "http://127.0.0.1:$port/health"
source_of hosts "style: host, endpoint: 'http://localhost:$port', $keys"
said=$(get hosts buckets -o csv)
equal "1,101 buckets come by pages" 1101 "$(grep -c '^store,' <<<"$said")"
like "the last page was asked for" 'continuation-token=b-1000' "$(<"$scratch/hosts.log")"
like "a bucket's host lists it" 'pages 1 seen 1 ' "$("$tools/s3_walk" "$scratch/hosts" models/a/ 2>&1)"
link=$(timeout -k 5 180 "$tools/drive" --source "$(cat "$scratch/hosts")" open link objects models/a/b/x.txt '' 2>&1 | grep -o 'http.*')
like "a link names the bucket's host" "^http://models.localhost:$port/a/b/x.txt" "$link"
equal "and is followed" "a model" "$(curl -s "$link")"

# ---- a million keys
python3 "$live_tests/manykeys.py" 1000000 >"$scratch/port" &
store=$!
within 10 test -s "$scratch/port"
source_of many "endpoint: 'http://127.0.0.1:$(cat "$scratch/port")', anonymous: true"
said=$("$tools/s3_walk" "$scratch/many" many/flat/ 3 2>&1)
like "a million keys come page by page" 'pages 1000 seen 1000000 most 4000 ' "$said"
read -r _ _ _ _ _ _ _ before _ after _ <<<"$said"
((after - before < 16000)) && ok "in no more memory than a few pages take ($before to $after kB)" || not_ok "in bounded memory" "$said"

# ---- the screen
run_screen() {
	timeout -k 5 180 "$screen" 100x30 "$BINNACLE" --config "$1" 2>&1
}
said=$(run_screen "$scratch/many.yaml" <<S
keys :storage s3://many/flat/\r
wait 1,000 so far, more below
wait part-000000000.parquet
keys G
wait 2,000 so far, more below
keys Jpart-0005\r
wait part-000500000.parquet
wait more above and below
keys g
wait part-000000000.parquet
S
)
equal "a place of a million is walked, jumped into, and left for its start" 0 "$?"
[[ -z $said ]] || echo "# ${said//$'\n'/$'\n'# }"
said=$(run_screen "$scratch/vgw.yaml" <<S
keys :storage s3://$bucket/raw/report.json\r
wait tagged.json
keys \r
wait "scores"
keys \e
wait raw/
keys -
wait flat/
keys c
wait 4 
wait Ki
S
)
equal "a link to an object leads to it; it is read, and what is around it counted" 0 "$?"
[[ -z $said ]] || echo "# ${said//$'\n'/$'\n'# }"
finish
