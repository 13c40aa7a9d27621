#!/usr/bin/env bash
# Acts on objects: delete, undelete, restore, copy, move, marks at once; in a bucket that keeps versions and in one that does
# not, on versitygw and on moto; changed between plan and run, no answer, not allowed.
# needs: s3 moto
# apart: registry
. "$(dirname "$0")/lib.sh"

drive_bin=$(dirname "$BINNACLE")/tests/live/drive
plain=t52b-plain-$$ kept=t52b-kept-$$
proxy_pid=''
clean() {
	[[ -z $proxy_pid ]] || kill "$proxy_pid"
	rm -rf "${S3_DATA:?}/$plain" "${S3_DATA:?}/$kept" "$scratch"
} 2>/dev/null
trap clean EXIT
export T52_ID=$S3_ACCESS_KEY T52_SECRET=$S3_SECRET_KEY AWS_EC2_METADATA_DISABLED=true
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION
keys='access_key: {env: T52_ID}, secret_key: {env: T52_SECRET}'
printf '' >"$scratch/empty"
# s3 METHOD PATH [FILE]: past our program
s3() {
	local file=${3:-$scratch/empty}
	curl "${@:4}" -sS -m 10 -X "$1" --aws-sigv4 aws:amz:us-east-1:s3 -u "$T52_ID:$T52_SECRET" -H "x-amz-content-sha256: $(sha256sum <"$file" | cut -c1-64)" \
		-H 'Content-Type: text/plain' --data-binary "@$file" "$store/$2"
}
# write PATH TEXT: prints the id of the version, where versions are kept
write() {
	printf '%s' "$2" >"$scratch/body" && s3 PUT "$1" "$scratch/body" -D "$scratch/head" -o /dev/null
	sed -n 's/\r$//; s/^x-amz-version-id: //ip' "$scratch/head"
}
read_back() {
	curl -sS -m 10 --aws-sigv4 aws:amz:us-east-1:s3 -u "$T52_ID:$T52_SECRET" -H "x-amz-content-sha256: $(sha256sum <"$scratch/empty" | cut -c1-64)" "$store/$1"
}
drive() {
	timeout -k 5 180 "$drive_bin" --source "{type: s3, endpoint: '${through:-$store}', $keys${more:+, $more}}" --audit "$scratch/audit" "$@" 2>&1
}
# the id of the version that is current
current() {
	s3 GET "$kept/a/one.txt" "$scratch/empty" -D "$scratch/head" -o /dev/null
	sed -n 's/\r$//; s/^x-amz-version-id: //ip' "$scratch/head"
}
printf '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>' >"$scratch/enable"

for store in "$S3_URL" "$MOTO_URL"; do
	on=versitygw
	[[ $store == "$S3_URL" ]] || on=moto
	s3 PUT "$plain" >/dev/null
	s3 PUT "$kept" >/dev/null
	s3 PUT "$kept?versioning=" "$scratch/enable" >/dev/null
	write "$plain/a/one.txt" first >/dev/null
	old=$(write "$kept/a/one.txt" first)
	sleep 1.1
	new=$(write "$kept/a/one.txt" second-one)

	# --- more versions than one answer holds
	printf 'v' >"$scratch/body"
	s3 PUT "$kept/many/one.txt?n=[1-1050]" "$scratch/body" -o /dev/null
	write "$kept/many/one.txt2" other >/dev/null
	echo "{type: s3, endpoint: '$store', $keys}" >"$scratch/settings"
	like "$on: 1,050 versions of an object, by pages" 'pages 2 seen 1050 ' "$("$(dirname "$drive_bin")/s3_walk" "$scratch/settings" "versions:$kept/many/one.txt" 2>&1)"
	like "$on: and of what is below a prefix" 'pages 2 seen 1051 ' "$("$(dirname "$drive_bin")/s3_walk" "$scratch/settings" "versions:$kept/many/" 2>&1)"

	printf 'sources: {store: %s}\n' "$(<"$scratch/settings")" >"$scratch/store.yaml"
	equal "$on: headless too" 1051 "$(binnacle --config "$scratch/store.yaml" get objects "versions:$kept/many/" -o csv | grep -c '^store,')"

	# --- what is larger than one request copies: here 25 MiB, in parts of 5
	head -c $((26 << 20)) /dev/urandom >"$scratch/large"
	s3 PUT "$plain/large/model.bin" "$scratch/large" -H 'x-amz-meta-owner: ml-team' -o /dev/null
	said=$(more='copy_part: 5Mi' drive --undo act copy objects "$plain/large/model.bin" "{\"to\": \"s3://$kept/large/copy.bin\"}")
	like "$on: copied in parts, told one by one" 'in 6 parts of 5Mi: POST .uploads.*part 6 of 6.*taken, and read back.*state: done.*state: done' "$said"
	more='copy_part: 5Mi' drive act copy objects "$plain/large/model.bin" "{\"to\": \"s3://$plain/large/copy.bin\"}" >/dev/null
	equal "$on: a whole copy" "$(sha256sum <"$scratch/large")" "$(read_back "$plain/large/copy.bin" | sha256sum)"
	like "$on: with its metadata" 'owner: ml-team' "$(s3 GET "$plain/large/copy.bin" "$scratch/empty" -D - -o /dev/null)"
	large=$(s3 PUT "$kept/large/v.bin" "$scratch/large" -D - -o /dev/null | sed -n 's/\r$//; s/^x-amz-version-id: //ip')
	write "$kept/large/v.bin" small >/dev/null
	like "$on: a large version is restored in parts" 'it is current, with the same size.*state: done' \
		"$(more='copy_part: 5Mi' drive act restore objects "versions:$kept/large/v.bin	$large")"
	equal "$on: it is current" "$(sha256sum <"$scratch/large")" "$(read_back "$kept/large/v.bin" | sha256sum)"

	# --- without versions
	said=$(drive plan delete objects "$plain/a/one.txt")
	like "$on: a delete without versions: what goes, for good" 'deleted: 5, ETag.*DELETE s3://'"$plain"'/a/one.txt.*keeps no versions: it is gone for good.*"irreversible": true' "$said"
	like "$on: and asks for the name" "refused: type .one.txt" "$(drive act delete objects "$plain/a/one.txt")"
	equal "$on: nothing happened" first "$(read_back "$plain/a/one.txt")"
	said=$(drive --undo act copy objects "$plain/a/one.txt" "{\"to\": \"s3://$plain/b/two.txt\"}" --type two.txt)
	like "$on: copied" 'PUT s3://.*x-amz-copy-source: /'"$plain"'/a/one.txt.*taken, and read back.*state: done' "$said"
	drive act copy objects "$plain/a/one.txt" "{\"to\": \"$plain/b/two.txt\"}" >/dev/null
	equal "$on: a whole copy" first "$(read_back "$plain/b/two.txt")"
	like "$on: what is there is not overwritten untold" 'is there already: say overwrite' "$(drive plan copy objects "$plain/a/one.txt" "{\"to\": \"$plain/b/two.txt\"}")"
	like "$on: and told, that is for good" 'in place of: 5.*"irreversible": true' "$(drive plan copy objects "$plain/a/one.txt" "{\"to\": \"$plain/b/two.txt\", \"overwrite\": true}")"
	said=$(drive --undo act move objects "$plain/b/two.txt" "{\"to\": \"$kept/moved/\"}")
	like "$on: moved to another bucket, the name kept; undone" "to s3://$kept/moved/two.txt.*state: done.*to s3://$plain/b/two.txt.*state: done" "$said"
	equal "$on: back again" first "$(read_back "$plain/b/two.txt")"
	like "$on: deleted" 'taken, and read back.*state: done' "$(drive --type one.txt act delete objects "$plain/a/one.txt")"
	like "$on: gone" 'NoSuchKey' "$(read_back "$plain/a/one.txt")"
	like "$on: already" '"already": "it is not there"' "$(drive plan delete objects "$plain/a/one.txt")"
	like "$on: nothing to bring back" 'keeps no versions: there is nothing to bring back' "$(drive plan undelete objects "$plain/a/one.txt")"
	like "$on: to nowhere" 'say where to' "$(drive plan copy objects "$plain/b/two.txt" '{"to": "s3:///"}')"
	like "$on: a prefix is not deleted whole" 'not deleted whole' "$(drive plan delete objects "$plain/b/")"
	like "$on: no such bucket" "there is no bucket" "$(drive plan copy objects "$plain/b/two.txt" '{"to": "s3://nope-nope-nope/x"}')"

	# --- with versions
	said=$(drive --undo act delete objects "$kept/a/one.txt")
	like "$on: deleted under a marker, and undone" 'delete marker is put on top; its versions stay.*taken, and read back.*state: done.*is there again.*state: done' "$said"
	equal "$on: there again" second-one "$(read_back "$kept/a/one.txt")"
	drive act delete objects "$kept/a/one.txt" >/dev/null
	like "$on: gone for now" NoSuchKey "$(read_back "$kept/a/one.txt")"
	like "$on: undeleted" 'state: done' "$(drive act undelete objects "$kept/a/one.txt")"
	like "$on: already there" '"already": "it is there' "$(drive plan undelete objects "$kept/a/one.txt")"
	sleep 1.1
	said=$(drive --undo --type one.txt act restore objects "versions:$kept/a/one.txt	$old")
	like "$on: an older version on top; undone by deleting the new one" 'this version is copied on top: 5.*what is current stays.*versionId='"$old"'.*state: done.*state: done' "$said"
	equal "$on: as before" second-one "$(read_back "$kept/a/one.txt")"
	drive act restore objects "versions:$kept/a/one.txt	$old" >/dev/null
	equal "$on: restored" first "$(read_back "$kept/a/one.txt")"
	like "$on: the newest is there already" 'is the current version' "$(drive plan restore objects "versions:$kept/a/one.txt	$(current)")"
	like "$on: a version goes for good" '"irreversible": true.*refused: type .one.txt' "$(drive act delete objects "versions:$kept/a/one.txt	$new" | tr '\n' ' ')"
	like "$on: with its name" 'state: done' "$(drive --type one.txt act delete objects "versions:$kept/a/one.txt	$new")"
	like "$on: it is gone" 'NoSuchVersion|InvalidVersionId|NoSuchKey' "$(read_back "$kept/a/one.txt?versionId=$new")"
	equal "$on: the current one is not" first "$(read_back "$kept/a/one.txt")"

	# --- at once, with a limit
	for i in 1 2 3 4 5 6; do write "$kept/m/$i" "$i" >/dev/null; done
	like "$on: six are over the limit" '6 at once is over the limit of 5' "$(drive act delete objects "$kept/m/1,$kept/m/2,$kept/m/3,$kept/m/4,$kept/m/5,$kept/m/6")"
	like "$on: three at once, and back" 'state: done.*state: done' "$(drive --undo act delete objects "$kept/m/1,$kept/m/2,$kept/m/3" | tr '\n' ' ')"
	equal "$on: all are there" "1 2 3" "$(for i in 1 2 3; do read_back "$kept/m/$i"; echo; done | xargs)"

	# --- others
	like "$on: written between plan and run" 'changed since the plan was shown.*state: failed' \
		"$(declare -f s3 write >"$scratch/others.sh"; echo "store=$store scratch=$scratch; write $kept/m/4 other-words" >>"$scratch/others.sh"
		drive --between "bash '$scratch/others.sh' >/dev/null" act delete objects "$kept/m/4")"
	equal "$on: left alone" other-words "$(read_back "$kept/m/4")"
	like "$on: read-only" 'read-only here' "$(drive --readonly act delete objects "$kept/m/4")"
done

# --- an answer that is lost: faulty.py MODE: DELETE and PUT are passed on (after) or not (before), and no answer comes back; of a copy in
# parts one part fails (part=N), all are slow, or the last request is taken without an answer (end)
store=$S3_URL
cat >"$scratch/faulty.py" <<'PY'
import http.client, http.server, sys, time
host, mode = sys.argv[1].split("//")[1], sys.argv[2]
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        change = self.command in ("DELETE", "PUT")
        if mode == "slow" and "partNumber" in self.path:
            time.sleep(1)
        if change and mode == "before" or mode.startswith("part=") and "partNumber=" + mode[5:] in self.path:
            self.close_connection = True
            return
        c = http.client.HTTPConnection(host, timeout=20)
        c.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for k, v in self.headers.items():
            c.putheader(k, v)
        c.endheaders(body)
        a = c.getresponse()
        data = a.read()
        if change and mode == "after" or mode == "end" and self.command == "POST" and "uploadId" in self.path:
            self.close_connection = True
            return
        self.send_response(a.status)
        for k, v in a.getheaders():
            if k.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(k, v)
        self.send_header("Content-Length", a.getheader("Content-Length") if self.command == "HEAD" and a.getheader("Content-Length") else str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = do
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3])), Handler)
server.serve_forever()
PY
# The signature is of the host that was asked: the gateway sees the proxy's name, as it was signed.
faulty() {
	local port
	port=$(free_ports 1)
	python3 "$scratch/faulty.py" "$S3_URL" "$1" "$port" 2>"$scratch/faulty.log" &
	proxy_pid=$!
	within 10 curl -s "http://127.0.0.1:$port/health"
	through="http://127.0.0.1:$port" drive "${@:2}"
	kill "$proxy_pid"
	wait "$proxy_pid" 2>/dev/null
	proxy_pid=''
}
like "no answer, not taken: seen by looking" 'it was not taken.*state: failed' "$(faulty before act delete objects "$kept/m/5")"
equal "it is there" 5 "$(read_back "$kept/m/5")"
like "no answer, but taken: seen too, and it can be undone" 'but it was taken.*state: done.*state: done' "$(faulty after --undo act delete objects "$kept/m/5" | tr '\n' ' ')"
equal "it is there again" 5 "$(read_back "$kept/m/5")"
like "a copy whose answer is lost" 'but it was taken.*state: done' "$(faulty after act copy objects "$kept/m/5" "{\"to\": \"$kept/n/5\"}" | tr '\n' ' ')"
# --- in parts
more='copy_part: 5Mi'
open_uploads() {
	s3 GET "$kept?uploads=" "$scratch/empty" | grep -o '<UploadId>' | wc -l
}
write "$kept/small" x >/dev/null
s3 PUT "$kept/large/m" "$scratch/large" -o /dev/null
like "a part that does not come through is tried again, then all are given back" 'copy part 3:.*the parts copied so far were given back.*state: failed' \
	"$(faulty part=3 act copy objects "$kept/large/m" "{\"to\": \"$kept/large/n\"}" | tr '\n' ' ')"
equal "nothing is left that is paid for" 0 "$(open_uploads)"
like "nor is there a copy" NoSuchKey "$(read_back "$kept/large/n")"
like "cancelled in the middle: the same" 'the parts copied so far were given back.*state: cancelled' \
	"$(faulty slow --cancel 2500 act copy objects "$kept/large/m" "{\"to\": \"$kept/large/n\"}" | tr '\n' ' ')"
equal "nothing is left of it" 0 "$(open_uploads)"
like "the last answer is lost, but it was taken" 'but it was taken.*state: done' \
	"$(faulty end act copy objects "$kept/large/m" "{\"to\": \"$kept/large/n\"}" | tr '\n' ' ')"
equal "it is whole" "$(sha256sum <"$scratch/large")" "$(read_back "$kept/large/n" | sha256sum)"
more=''

like "a store that is gone" 'cannot be reached' "$(through=http://127.0.0.1:1 drive plan delete objects "$kept/m/5")"
unlike "no secret in plans or the audit" "$T52_SECRET" "$(<"$scratch/audit")"
finish
