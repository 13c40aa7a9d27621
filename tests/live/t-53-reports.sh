#!/usr/bin/env bash
# needs: s3
# apart: registry
# Drift reports as Evidently and Great Expectations wrote them: from a folder, a web server and a bucket; bent, vanished, written
# again while they are looked at.
. "$(dirname "$0")/lib.sh"

samples=$live_tests/../samples/drift
place=$scratch/reports
mkdir -p "$place/real_estate" "$place/other"
cp "$samples"/evidently_0.4.40_drift.json "$samples"/evidently_0.7.23_drift_tests.json "$place/real_estate/"
cp "$samples"/gx_0.18.22_checkpoint_result.json "$samples"/gx_1.24.1_validation_result.json "$place/other/"

# config LINE...: a configuration with one source of reports with these settings
config() {
	printf 'sources:\n  reports:\n    type: reports\n' >"$scratch/b.yaml"
	printf '    %s\n' "$@" >>"$scratch/b.yaml"
}
get() {
	binnacle --config "$scratch/b.yaml" --wait 40 get "$@" 2>&1
}
doctor() {
	binnacle --config "$scratch/b.yaml" --wait 40 doctor 2>&1
}

config "folder: $place"
equal "every report of a folder and of those within" 4 "$(get drift -o csv | tail -n +2 | wc -l)"
like "Evidently 0.4: score, limit, features" '0\.8 +0\.5 +4/5 +target, prediction, area, city' "$(get drift)"
like "Evidently 0.7" '0\.6667 +0\.5 +2/3 +area, city' "$(get drift)"
like "Great Expectations 0.18 and 1.x with the rows compared" '"rows":500' "$(get drift -o json model=real_estate)"
like "a p value is wrong below its limit" '"name":"area".*"points":"below"' "$(get features -o json)"
like "a share of unexpected values above it" '"name":"price".*"limit":0.0.*"points":"above"' "$(get features -o json)"
like "a feature's scores have times" '"scores":"[0-9]{10}=' "$(get features -o json name=rooms)"
like "doctor is well" 'ok +reports +4 in ' "$(doctor)"

head -c 700 "$samples/gx_1.24.1_validation_result.json" >"$place/cut.json"
echo '<html>sign in</html>' >"$place/page.json"
head -c 5000000 /dev/zero | tr '\0' ' ' >"$place/large.json"
: >"$place/empty.json"
mkfifo "$place/pipe.json"
cp "$samples/evidently_0.7.23_regression.json" "$place/regression.json"
equal "bent ones are skipped, the others stay" 4 "$(get drift -o csv | tail -n +2 | wc -l)"
like "and counted, and one is named" '4 skipped, such as .*(cut|page|large|empty)\.json: ' "$(doctor)"
like "a report without drift is no fault" '1 without drift in it' "$(doctor)"
rm "$place"/*.json

config "folder: $scratch/nothing"
like "an absent folder" "$scratch/nothing: No such file" "$(get drift)"
config "model: x"
like "no place" "one of .folder:" "$(get drift)"
config "folder: $place" "model: houses" "limit: 2"
equal "the newest ones only" 2 "$(get drift -o csv model=houses | tail -n +2 | wc -l)"

# ---- a web server that lists folders, and one that does not let us in
cat >"$scratch/web.py" <<'PY'
import base64, http.server, sys
class H(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *a): print(self.path, flush=True)
    def do_GET(self):
        want = {"Basic " + base64.b64encode(b"ann:secret").decode(), "Bearer secret"}
        if self.path.startswith("/other/") and self.headers.get("Authorization") not in want:
            return self.send_error(401)
        if self.path == "/broken.json":
            self.send_response(200); self.send_header("Content-Length", "9000"); self.end_headers(); self.wfile.write(b"{"); return
        super().do_GET()
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: H(*a, directory=sys.argv[1]))
print(s.server_address[1], flush=True)
s.serve_forever()
PY
python3 "$scratch/web.py" "$place" >"$scratch/web.log" 2>&1 &
web=$!
trap 'kill $web 2>/dev/null; rm -rf "$scratch"' EXIT
within 10 test -s "$scratch/web.log"
port=$(head -n 1 "$scratch/web.log")
export T53_SECRET=secret
config "url: http://127.0.0.1:$port/real_estate"
equal "the listing of a web server" 2 "$(get drift -o csv | tail -n +2 | wc -l)"
config "url: http://127.0.0.1:$port/real_estate/evidently_0.4.40_drift.json" "model: houses"
like "one report by its URL" 'houses .*0\.8 +0\.5 +4/5' "$(get drift)"
config "url: http://127.0.0.1:$port/other/"
like "not let in" '401' "$(get drift)"
config "url: http://127.0.0.1:$port/other/" "token: {env: T53_SECRET}"
equal "with a token" 2 "$(get drift -o csv | tail -n +2 | wc -l)"
config "url: http://127.0.0.1:$port/other/" "user: ann" "password: {env: T53_SECRET}"
equal "with a password" 2 "$(get drift -o csv | tail -n +2 | wc -l)"
unlike "which is never shown" 'secret' "$(doctor)"
config "url: http://127.0.0.1:$port/broken.json"
like "an answer that is cut off" 'broke|before|complete|closed' "$(get drift)"
config "url: http://127.0.0.1:1/reports/"
like "an absent server" 'cannot be reached' "$(get drift)"

# ---- followed
cat >"$scratch/watch.py" <<'PY'
import fcntl, os, pty, select, struct, sys, termios, time
pid, fd = pty.fork()
if not pid:
    os.environ.update(TERM="xterm-256color", LINES="40", COLUMNS="200")
    os.execv(sys.argv[1], [sys.argv[1], "--config", sys.argv[2], "--ascii", "-p", "drift"])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
while not os.path.exists(sys.argv[3]):
    if select.select([fd], [], [], 0.1)[0]:
        try: data = os.read(fd, 65536)
        except OSError: break
        sys.stdout.buffer.write(data); sys.stdout.flush()
os.write(fd, b"Q"); time.sleep(0.3)
PY
config "folder: $place/real_estate" "poll: 2s"
python3 "$scratch/watch.py" "$BINNACLE" "$scratch/b.yaml" "$scratch/enough" >"$scratch/screen" 2>&1 &
watcher=$!
within 30 grep -q 'target, predic' "$scratch/screen"
cp "$samples/gx_1.24.1_validation_result.json" "$place/real_estate/new.json"
check "a report that is written while one looks appears" within 30 grep -q 'pd-real_estate' "$scratch/screen"
: >"$scratch/enough"
wait $watcher

# ---- a bucket
if [[ -n ${S3_URL:-} && -n ${S3_DATA:-} ]]; then
	bucket=t53-reports
	mkdir -p "$S3_DATA/$bucket/drift/real estate/a+b" "$S3_DATA/$bucket/elsewhere"
	cp "$samples/evidently_0.4.40_drift.json" "$S3_DATA/$bucket/drift/real estate/a+b/ü 1.json"
	cp "$samples/gx_1.24.1_validation_result.json" "$S3_DATA/$bucket/drift/gx.json"
	cp "$samples/gx_1.24.1_validation_result.json" "$S3_DATA/$bucket/elsewhere/gx.json"
	export AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY AWS_EC2_METADATA_DISABLED=true
	config "bucket: $bucket" "prefix: drift/" "endpoint: $S3_URL"
	equal "the reports under a prefix of a bucket" 2 "$(get drift -o csv | tail -n +2 | wc -l)"
	like "keys with blanks, signs and letters of other alphabets" 'real estate/a\+b/ü 1\.json' "$(get drift -o json)"
	config "bucket: $bucket-absent" "endpoint: $S3_URL"
	like "an absent bucket" 'NoSuchBucket.*correct .bucket:' "$(get drift)"
	export AWS_SECRET_ACCESS_KEY=wrong
	config "bucket: $bucket" "endpoint: $S3_URL"
	like "a wrong secret key" 'SignatureDoesNotMatch.*does not go with' "$(get drift)"
	export AWS_ACCESS_KEY_ID=NOBODY
	like "a wrong access key" 'InvalidAccessKeyId.*does not know' "$(get drift)"
	unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
	like "no credentials" '[Nn]o credentials' "$(get drift)"
	rm -rf "${S3_DATA:?}/$bucket"
fi
finish
