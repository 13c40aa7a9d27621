/* kubeconfig: from files, environment and plugins to a `struct http_conf`: which server, trusted how, as whom.
 *
 * Merging as client-go does: of entries with one name the first file's is taken whole; relative paths start at the file
 * that holds them. Credentials come from a client certificate, token, token file (read again each minute), basic
 * auth, or an exec plugin (cached until it expires, run again after a 401).
 *
 * One kube_access is shared by all threads of a source; it has its own mutex. It must outlive every http made from
 * its conf. */
#ifndef KUBERNETES_KUBECONFIG_H
#define KUBERNETES_KUBECONFIG_H
#include "backends/net/http.h"
#include <stdatomic.h>

struct kube_options {
	const char *kubeconfig;      /* a file; NULL: $KUBECONFIG, else ~/.kube/config, else in-cluster */
	const char *context;         /* NULL: the current one; "in-cluster": the pod's service account */
	const char *namespace;       /* NULL: the context's, else "default" */
	const char *impersonate;     /* NULL: the kubeconfig's `as`; a user to act as */
};
struct kube_error {
	char what[400];              /* "/home/a/.kube/config:12: cluster 'x' ..., ..." */
	char remedy[240];            /* may be empty */
};

struct kube_access {             /* everything here is constant after load */
	char *context, *cluster, *user;   /* names; "in-cluster" for all three there */
	char *server;                /* "https://host:6443/prefix", no slash at the end, no userinfo */
	char *namespace;             /* never NULL */
	char *described;             /* "admin at https://host:6443 (client certificate)", no secrets */
	bool namespace_given;        /* by options or context, not just "default" */
	bool insecure;               /* show a red badge */
	bool compress;               /* not disable-compression */
	struct kube_private *priv;
};

/* Reads the files (no network, no plugin). NULL and *err when that cannot be. clock is borrowed. */
struct kube_access *kube_access_load(const struct kube_options *o, const struct clock *clock, struct kube_error *err);
void kube_access_free(struct kube_access *a);
/* A conf that borrows from a; its auth and renew callbacks are the two functions below. */
void kube_access_http_conf(struct kube_access *a, struct http_conf *conf);
/* Any thread. May run the exec plugin (up to 60 s; ended early as kube_access_obey says). */
bool kube_access_auth(void *access, struct http_auth *auth);
/* The same in two parts, for who must not wait: the plugin's command when it has to run first (kube_access_auth does), else
 * NULL; and the credential as it is, no plugin is run. */
const char *kube_access_slow(struct kube_access *a);
bool kube_access_auth_now(struct kube_access *a, struct http_auth *auth);
/* After a 401 to the credential that kube_access_auth numbered `which`: forget what can be had anew (plugin, token file). True: worth another try. Several threads that
 * got a 401 for the same credential cause one renewal. */
bool kube_access_unauthorized(void *access, uint64_t which);
/* From now on a running plugin also ends, and none starts, once *flag is true; borrowed. */
void kube_access_obey(struct kube_access *a, const atomic_bool *flag);

/* True when load with no options has something to read: a file of $KUBECONFIG, ~/.kube/config, or a
 * service account. No parsing. */
bool kubeconfig_present(void);
/* Every context, in order of the files. False from fn ends. Returns how many, or -1 and *err. */
struct kube_context { const char *name, *cluster, *user, *namespace, *server; bool current; };
typedef bool (*kube_context_fn)(void *arg, const struct kube_context *c);
int kubeconfig_contexts(const char *kubeconfig, kube_context_fn fn, void *arg, struct kube_error *err);
#endif
