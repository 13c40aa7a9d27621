/* late: libraries that are loaded when first used, not at start. The shell is painted before libcurl and its thirty
 * friends are mapped, and a session without Postgres never maps libpq.
 *
 * The tables below name every function we use, once; the types come from the library's own header. To use one more,
 * add its name. Include this instead of calling the library: `const struct late_curl *c = late_curl(&why);
 * c->easy_init()`. Loading is done once, by whichever thread comes first; it may take 5 to 20 ms. NULL: the library is
 * not there; *why (constant, may be NULL when not wanted) says which and what to install. */
#ifndef NET_LATE_H
#define NET_LATE_H
#include <archive.h>
#include <archive_entry.h>
#include <curl/curl.h>
#include <expat.h>
#include <libpq-fe.h>
#include <libssh2.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <wslay/wslay.h>
#include <zlib.h>

#define LATE_CURL(X) \
	X(global_init) X(easy_init) X(easy_cleanup) X(easy_reset) X(easy_setopt) X(easy_getinfo) X(easy_strerror) \
	X(easy_pause) X(easy_perform) X(easy_send) X(easy_recv) X(slist_append) X(slist_free_all) X(version_info) \
	X(multi_init) X(multi_cleanup) X(multi_add_handle) X(multi_remove_handle) X(multi_perform) X(multi_poll) \
	X(multi_info_read) X(multi_setopt) X(multi_wakeup) X(multi_strerror)

#define LATE_PQ(X) \
	X(connectStartParams) X(connectPoll) X(conninfoParse) X(conninfoFree) X(finish) X(reset) X(status) \
	X(transactionStatus) X(errorMessage) X(socket) X(backendPID) X(serverVersion) X(parameterStatus) X(db) X(user) \
	X(host) X(port) X(sslInUse) X(connectionNeedsPassword) X(connectionUsedPassword) X(setNoticeProcessor) \
	X(setnonblocking) X(flush) X(exec) X(execParams) X(sendQuery) X(sendQueryParams) X(setSingleRowMode) \
	X(consumeInput) X(isBusy) X(getResult) X(notifies) X(freemem) X(getCancel) X(cancel) X(freeCancel) \
	X(resultStatus) X(resultErrorMessage) X(resultErrorField) X(ntuples) X(nfields) X(fname) X(fnumber) X(ftype) \
	X(getvalue) X(getisnull) X(getlength) X(clear) X(escapeIdentifier) X(escapeLiteral)

/* libcrypto: signing of requests to AWS (sigv4.h) */
#define LATE_CRYPTO(X) X(SHA1) X(SHA256) X(HMAC) X(EVP_sha256)

/* expat: answers in XML (xml.h) */
#define LATE_EXPAT(X) \
	X(ParserCreate) X(ParserFree) X(Parse) X(StopParser) X(SetUserData) X(SetElementHandler) \
	X(SetCharacterDataHandler) X(SetStartDoctypeDeclHandler) X(GetErrorCode) X(ErrorString) X(GetCurrentLineNumber)

/* zlib: what is stored compressed */
#define LATE_Z(X) X(inflateInit2_) X(inflate) X(inflateReset) X(inflateEnd)

/* wslay: the frames of a WebSocket (websocket.h) */
#define LATE_WSLAY(X) \
	X(context_client_init) X(context_free) X(config_set_max_recv_msg_length) X(recv) X(send) X(queue_msg) X(queue_close) \
	X(set_error) X(want_read) X(want_write) X(get_queued_msg_length) X(get_close_received) X(get_status_code_received)

/* libarchive: files to and from a container (tar.h) */
#define LATE_ARCHIVE(X) \
	X(read_new) X(read_free) X(read_support_format_tar) X(read_open) X(read_next_header) X(read_data) X(error_string) \
	X(write_new) X(write_free) X(write_set_format_pax_restricted) X(write_set_bytes_in_last_block) X(write_open) \
	X(write_header) X(write_data) X(write_close) X(entry_new) X(entry_free) X(entry_pathname) X(entry_filetype) \
	X(entry_hardlink) X(entry_perm) X(entry_copy_pathname) X(entry_set_filetype) X(entry_set_size) X(entry_set_perm) \
	X(entry_set_mtime)

/* libssh2: the way through a host behind SSH (tunnel.h) */
#define LATE_SSH2(X) \
	X(init) X(session_init_ex) X(session_free) X(session_disconnect_ex) X(session_handshake) X(session_last_error) \
	X(session_set_blocking) X(session_block_directions) X(session_method_pref) X(session_hostkey) X(hostkey_hash) \
	X(knownhost_init) X(knownhost_free) X(knownhost_readfile) X(knownhost_checkp) X(userauth_list) \
	X(userauth_publickey_fromfile_ex) X(userauth_authenticated) X(agent_init) X(agent_connect) X(agent_list_identities) \
	X(agent_get_identity) X(agent_userauth) X(agent_disconnect) X(agent_free) X(keepalive_config) X(keepalive_send) \
	X(channel_direct_tcpip_ex) X(channel_read_ex) X(channel_write_ex) X(channel_send_eof) X(channel_eof) X(channel_free)

struct late_curl {
#define X(name) __typeof__(curl_##name) *name;
	LATE_CURL(X)
#undef X
};
struct late_pq {
#define X(name) __typeof__(PQ##name) *name;
	LATE_PQ(X)
#undef X
};
struct late_crypto {
#define X(name) __typeof__(name) *name;
	LATE_CRYPTO(X)
#undef X
};
struct late_expat {
#define X(name) __typeof__(XML_##name) *name;
	LATE_EXPAT(X)
#undef X
};
struct late_z {
#define X(name) __typeof__(name) *name;
	LATE_Z(X)
#undef X
};
struct late_archive {
#define X(name) __typeof__(archive_##name) *name;
	LATE_ARCHIVE(X)
#undef X
};
struct late_ssh2 {
#define X(name) __typeof__(libssh2_##name) *name;
	LATE_SSH2(X)
#undef X
};
struct late_wslay {
#define X(name) __typeof__(wslay_event_##name) *name;
	LATE_WSLAY(X)
#undef X
};

const struct late_curl *late_curl(const char **why);   /* curl_global_init is done */
const struct late_pq *late_pq(const char **why);
const struct late_crypto *late_crypto(const char **why);
const struct late_expat *late_expat(const char **why);
const struct late_z *late_z(const char **why);
const struct late_archive *late_archive(const char **why);
const struct late_wslay *late_wslay(const char **why);
const struct late_ssh2 *late_ssh2(const char **why);
#endif
