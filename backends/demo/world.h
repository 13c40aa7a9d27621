/* world: the simulated platform of a company that prices houses: three node groups, 40 nodes, about 600 pods that come, go
 * and fail as on a morning on call. The same seed and the same number of steps make the same world. One step is one
 * second; nothing here knows of messages.
 *
 *   world.c     nodes, workloads, pods and what a second changes     script.c   the incidents, by the second
 *   show.c      the world as rows                                    docs.c     as logs, YAML, descriptions, reasons
 *   acts.c      what can be done to it, by tables (ways.h)           demo.c     the source's thread
 *   demo_registry.c   models, versions and training runs             demo_pipelines.c   runs of pipelines
 *   demo_storage.c    buckets and objects                          demo_promote.c     promotions and rollbacks
 *   demo_cluster.c    restart, scale, drain ...                   demo_change.c      images, zero and back, cron jobs, taints
 *   demo_objects.c    labels, notes, deleting, editing of any object
 *   demo_custom.c     KServe, Seldon, Argo CD, node pools            demo_inside.c      forwards, a shell
 *   demo_endpoints.c  reload, unload, warm up                        demo_stored.c      deleted, restored and copied objects
 *   demo_checks.c     acknowledged checks                          demo_alerts.c      what fires, silences
 *   demo_flows.c      trigger, pause, clear, mark, cancel, backfill */
#ifndef DEMO_WORLD_H
#define DEMO_WORLD_H
#include "base/action.h"
#include "base/clock.h"
#include "base/source.h"

enum { NODES = 40, NODES_ALL,      /* the last one joins while one looks: see demo_cost.c */
	 WORKLOADS_MAX = 64, PODS_MAX = 1200, EVENTS_MAX = 300, CHECKS_MAX = 200, FEATURES = 11 };

enum workload_type { DEPLOYMENT, STATEFULSET, DAEMONSET, JOB };
enum group { SYSTEM, CPU, GPU, BIG_GPU };

struct plan_of_workload {        /* constant: what the platform runs */
	const char *namespace, *name;
	enum workload_type type;
	unsigned replicas;
	enum group group;
	const char *image;
	unsigned cpu_m, mem_mi, limit_mi;    /* requests, and the memory limit */
	bool hpa;
};
extern const struct plan_of_workload demo_workloads[];
extern const unsigned demo_nworkloads;

struct node {
	char name[48];
	enum group group;
	int64_t born;                        /* 0: not there yet */
	bool ready, cordoned;
	char taint[80];                      /* put on it here; "" none */
	int64_t before;                      /* its pool is at no nodes: when it was born; 0: it is there, or never was */
};
struct workload {
	const struct plan_of_workload *plan;
	unsigned replicas, revision;
	char image[80], before[80];          /* of this revision and of the one before */
	int64_t born, rolled;                /* when the workload and its newest revision came */
	unsigned limit_mi, remembered;       /* remembered: replicas before it was scaled to zero */
	enum { WELL, EATS_MEMORY, CANNOT_PULL, EXITS } fault, fault_before;   /* of the newest revision, of the one before */
	bool gone;
};
enum pod_state { PENDING, UNSCHEDULABLE, CREATING, RUNNING, OOM, CRASH_LOOP, PULL_ERROR, PULL_BACK_OFF, COMPLETED, FAILED, TERMINATING };
struct pod {
	bool used;
	char name[72], uid[40], ip[16];
	int workload;                        /* -1: of a cron job's job */
	char job[64];                        /* then its job's name */
	int node;                            /* -1: none yet */
	unsigned revision, restarts;
	enum pod_state state;
	int64_t born, since, restarted;      /* since: of this state */
	int64_t until;                       /* when a creating, terminating or job's pod goes on */
	unsigned cpu_m, mem_mi;
	bool dirty;
	bool job_rests;                      /* of a job that is suspended: it is not there */
};
struct event { int64_t at, first; unsigned count; bool warning; const char *reason, *from; char ns[32], object[96], text[200]; unsigned id; };
struct check { int64_t at; double score; unsigned drifted; double p[FEATURES]; const char *action; };

/* A prediction that was asked for here: it is found in the log like the others. */
#define MOVES_MAX 32
struct move { int model; unsigned version, before; int64_t at; char reason[120]; };   /* of a model's champion, done here */
/* What was done here to objects of any kind, to checks, to stored objects. */
enum { TOUCHED_MAX = 64, ACKED_MAX = 64, STORED_MAX = 64 };
/* What was done to a pipeline here (demo_flows.c). */
#define DEEDS_MAX 64
enum deed_is { DEED_TRIGGER, DEED_PAUSE, DEED_UNPAUSE, DEED_CLEAR, DEED_MARK };
struct deed {
	enum deed_is what;
	char flow[40], run[64], state[12], params[240];   /* state: what it counts as; of a run that was begun: how */
	int64_t at, begins;
	unsigned tasks;                      /* bits */
	bool whole;                          /* the run itself too */
};
#define ASKED_MAX 16
struct asked { int64_t at; double price; const char *version, *run; char request[16], inputs[400]; };
#define FORWARDS_MAX 8
struct forwarded { char key[160]; unsigned local; int64_t since; };
/* A silence of alerts (demo_alerts.c). ended_before: when it would have ended, had it not been expired. */
#define SILENCES_MAX 32
struct silenced { char id[40], matchers[512], by[32], comment[200]; int64_t since, until, ended_before; };
struct world {
	struct rnd rnd;
	int64_t start, now;                  /* wall ms */
	unsigned step;
	struct node nodes[NODES_ALL];
	struct workload workloads[WORKLOADS_MAX]; unsigned nworkloads;
	struct pod pods[PODS_MAX];
	struct event events[EVENTS_MAX]; unsigned nevents, next_event;
	struct check checks[CHECKS_MAX]; unsigned nchecks;
	unsigned next_job;
	bool cron_suspended, crons_dirty;
	char cron_image[80];
	struct touched { char kind[48], key[128], labels[120], notes[120]; char *yaml; bool gone; } touched[TOUCHED_MAX]; unsigned ntouched;
	struct shares { unsigned weight, min, max; } kserve;   /* traffic of the new revision, %; 100: it has all */
	unsigned seldon_weight, seldon_replicas[2];
	unsigned argo_synced;                /* how often model-api was synced here */
	struct acked { char key[24], words[160]; int64_t until; } acked[ACKED_MAX]; unsigned nacked;   /* checks somebody knows of */
	struct stored { char place[200], id[16]; int64_t size, at; bool marker, purged; } stored[STORED_MAX]; unsigned nstored;
	char versions_of[200];               /* of which place the versions are listed */
	unsigned calls;                      /* predictions asked of v7 since its pods die */
	unsigned warmed[2]; bool unloaded;   /* predictions that warmed an endpoint; the challenger's model was let go */
	bool custom_dirty, storage_dirty, touched_dirty;
	bool nodes_dirty, workloads_dirty, events_dirty, checks_dirty;
	char gone[64][112]; unsigned ngone;  /* keys of pods that went since they were last shown */
	struct deed deeds[DEEDS_MAX]; unsigned ndeeds;
	struct asked asked[ASKED_MAX]; unsigned nasked;   /* the newest ones, by nasked % ASKED_MAX */
	struct move moves[MOVES_MAX]; unsigned nmoves;
	struct forwarded forwards[FORWARDS_MAX]; unsigned nforwards;
	bool registry_dirty, serving_dirty, forwards_dirty;
	struct silenced silences[SILENCES_MAX]; unsigned nsilences;
	bool alerts_dirty;
	unsigned serves; int64_t loaded;     /* the version that model-api loaded here, and when; 0: the one it came with */
	bool gone_more;                      /* and more than fit: only a full listing tells */
};
extern const char *const demo_features[FEATURES];

void world_init(struct world *w, uint64_t seed, int64_t now);
void world_step(struct world *w);            /* one second */
void world_script(struct world *w);          /* this second's incidents */

struct pod *world_pod(struct world *w, int workload);    /* a new pod, pending */
void world_remove_pod(struct world *w, struct pod *p);
void world_end_pod(struct world *w, struct pod *p);      /* terminating, then gone; its workload makes another */
void world_state(struct world *w, struct pod *p, enum pod_state s);
void world_roll(struct world *w, struct workload *l, const char *image, unsigned limit_mi, int fault);
void world_event(struct world *w, bool warning, const char *reason, const char *from, const char *ns, const char *object,
                 const char *fmt, ...) __attribute__((format(printf, 7, 8)));
void world_check(struct world *w, int64_t at, double score, const char *action);
struct workload *world_workload(struct world *w, const char *name);
struct pod *world_find_pod(struct world *w, struct str key);       /* "namespace/name" */
struct workload *world_find_workload(struct world *w, const char *kind, struct str key);
struct node *world_find_node(struct world *w, struct str name);
const char *pod_namespace(const struct world *w, const struct pod *p);
unsigned workload_ready(const struct world *w, const struct workload *l);
const char *pod_status(const struct pod *p);             /* as kubectl prints it */
const char *workload_kind(const struct workload *l);     /* "deployments" */
static inline bool pod_alive(const struct pod *p) { return p->used && p->state != TERMINATING; }
static inline bool pod_ready(const struct pod *p) { return p->used && p->state == RUNNING; }
unsigned revision_hash(const struct workload *l, unsigned revision);

/* show.c: a full listing of a kind into the message body; false: no such kind. pods_changed: only what changed. */
bool demo_show(struct world *w, const char *kind, struct buf *body);
void demo_show_pods_changed(struct world *w, struct buf *body);
extern const struct kind *const demo_kinds[];
/* demo_registry.c: rows of its kinds into the body; answers and texts of its rows. False: not one of its own. */
bool demo_registry_show(struct world *w, const char *kind, struct buf *body);
bool demo_registry_ask(struct world *w, struct link *l, const struct request *r);
bool demo_registry_open(struct world *w, struct link *l, const struct request *r);
/* The run that trained version v of real_estate_model, its size and age (ms before the start); false: there is no such. */
bool demo_house_run(unsigned v, char run[33], int64_t *size, int64_t *age);
/* A model by its name: its place, how many versions it has, which was champion at the start (0: none); -1: there is none. */
int demo_model(struct str name, unsigned *versions, unsigned *champion);
struct json_t *demo_version(const struct world *w, struct str key);   /* "model/6" in full; NULL: there is none */
/* demo_promote.c. False: not one of its kinds. */
unsigned demo_champion(const struct world *w, int model, unsigned at_start);
bool demo_promote_plan(struct world *w, struct link *l, const struct request *r);
bool demo_promote_run(struct world *w, struct link *l, const struct request *r);
/* demo_storage.c: buckets and objects, all places at once. False: not of its kinds, not its question. */
bool demo_storage_show(const struct world *w, const char *kind, struct buf *body);
bool demo_storage_ask(const struct world *w, struct link *l, const struct request *r);
bool demo_storage_open(const struct world *w, struct link *l, const struct request *r);
/* demo_serving.c: endpoints and the log of predictions; false: not of its kinds, not its question */
bool demo_serving_show(const struct world *w, const char *kind, struct buf *body);
bool demo_serving_ask(struct world *w, struct link *l, const struct request *r);
void demo_show_forwards(const struct world *w, struct buf *body);      /* demo_inside.c */
/* demo_alerts.c. False or NULL: not of its kinds. */
struct json_t;
void demo_silences_begin(struct world *w);
bool demo_alerts_show(const struct world *w, const char *kind, struct buf *body);
struct json_t *demo_alerts_form(struct world *w, const struct request *r);
/* demo_pipelines.c: runs of pipelines, as a function of the clock. False or NULL: not of its kinds. */
struct json_t;
bool demo_show_pipelines(struct world *w, const char *kind, struct buf *body);
bool demo_open_pipelines(struct world *w, struct link *l, const struct request *r);
bool demo_tick_pipelines(struct world *w, struct link *l, uint64_t id, const char *kind, struct str key);
struct json_t *demo_ask_pipelines(struct world *w, const struct request *r);
/* demo_cost.c */
void demo_gpu_joins(struct world *w);
void demo_training_starts(struct world *w);
void demo_show_bills(const struct world *w, struct buf *body);
/* docs.c */
void demo_open(struct world *w, struct link *l, const struct request *r);
void demo_ask(struct world *w, struct link *l, const struct request *r);
/* A second of a followed log: lines for the pods of the request. */
void demo_log_tick(struct world *w, struct link *l, uint64_t id, const char *kind, struct str key);
/* demo_objects.c: what was done to the object; NULL: nothing. Its labels: those it came with, and those put on and taken off here. */
const struct touched *demo_touched(const struct world *w, const char *kind, struct str key);
void demo_labels(const struct touched *t, struct str came, struct buf *out);
/* demo_custom.c: a kind that a cluster has by a custom resource: NULL: not one of these. */
const struct kind *demo_custom_kind(struct str word);
void demo_custom_show(const struct world *w, const struct kind *k, struct buf *body);
bool demo_custom_yaml(const struct world *w, const char *kind, struct str key, struct buf *b);
/* demo_checks.c: what they make of the rows in this body. */
bool demo_check_known(const struct world *w, int64_t at);     /* somebody acknowledged the check of that time */
void demo_checks_acked(const struct world *w, struct buf *body);
bool demo_checks_forget(struct world *w);    /* those whose time is over; true: there were some */
struct pod *world_job(struct world *w, const char *from);     /* a job of the cron job; from: NULL by its schedule. NULL: no room */
struct pod *world_find_job(struct world *w, struct str key);    /* the pod of the job "ml-training/NAME" */
unsigned world_empty(struct world *w, const struct node *n);    /* its pods end, but those of daemon sets; how many */
bool pod_is_daemon(const struct world *w, const struct pod *p);
void demo_workload_yaml(const struct workload *l, struct buf *b);   /* docs.c */
bool demo_document(struct world *w, const char *kind, struct str key, struct buf *b);
/* acts.c */
extern const struct action *const demo_actions[];
void demo_plan(struct world *w, struct link *l, const struct request *r);
void demo_run(struct world *w, struct link *l, const struct request *r);
#endif
