/* schema: the fields that a model wants, from whatever describes it, in the one form that panes know (base/serving.h), with
 * what the protocols need besides:
 *   "wrap"    [names]    where the inputs go in the body: ["instances", "[]"] puts them into a list under instances
 *   "tensor"  name       one tensor holds all fields in order (Open Inference Protocol)
 *   fields[]."datatype"  that protocol's word */
#ifndef SERVING_SCHEMA_H
#define SERVING_SCHEMA_H
#include "base/str.h"
#include <jansson.h>

/* The path of an OpenAPI document that predicts, and the one that explains (NULL: none); borrowed from doc. */
struct openapi_paths { const char *predict, *explain; };
struct openapi_paths openapi_paths(const json_t *doc);
/* What POST to that path takes; NULL: it does not say. */
json_t *schema_openapi(const json_t *doc, const char *path);
/* The metadata of a model in the Open Inference Protocol; NULL: it names no inputs. */
json_t *schema_v2(const json_t *metadata);
/* MLflow's words when an input does not fit: "... with schema '['bed': long (required), 'x': double (optional)]' ..." */
json_t *schema_mlflow(struct str message);
/* Inputs as they were sent before: names and types by their values. */
json_t *schema_inputs(const json_t *inputs);
/* The body for these inputs by "wrap"; inputs is borrowed. */
json_t *schema_wrap(const json_t *schema, const json_t *inputs);
#endif
