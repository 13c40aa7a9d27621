/* pipelines: what the files of the pipelines pane share.
 *
 *   pipelines.c        the lists: pipelines, runs, tasks, and where Enter leads
 *   pipelines_run.c    one run: its tasks beside a time axis
 *   pipelines_graph.c  one run: its tasks as a graph
 *   pipelines_tries.c  two tries of a task, side by side */
#ifndef PANES_PIPELINES_H
#define PANES_PIPELINES_H
#include "base/taskgraph.h"
#include "tui/table_page.h"

/* A run: its source and key "pipeline/name". */
struct page *run_page_new(struct app *app, uint16_t source, struct str key);
struct page *graph_page_new(struct app *app, uint16_t source, struct str key);
struct page *tries_page_new(struct app *app, uint16_t source, struct str key, int tried);

/* Enter on a task: its log, followed. */
void open_task_log(struct app *app, uint16_t source, struct str key);
/* xcom, parameters, links, tries: of a row of pipelines, runs or tasks. False: not one of these commands. */
bool pipeline_command(struct app *app, const char *command, const char *kind, const struct table *t, const struct row *r);

/* The tasks of a run, as a graph, in their order. Free tasks and rows. */
struct run_tasks { struct graph_task *tasks; const struct row **rows; unsigned n; };
void run_tasks_take(struct run_tasks *r, const struct table *t, uint16_t source, struct str key);
void run_tasks_release(struct run_tasks *r);

extern const struct command_scope run_scope, pipelines_scope, graph_scope, tries_scope;
#endif
