/* form_fields: fields that a source gives at run time (the answer to REQ_ASK "form", base/action.h), as a form has them. */
#ifndef TUI_FORM_FIELDS_H
#define TUI_FORM_FIELDS_H
#include "base/action.h"
#include <jansson.h>

/* NULL: the answer holds no field. The fields (their texts belong to them) and what *note says; ends with name NULL. */
struct field *form_fields_read(struct str answer, char **note);
void form_fields_free(struct field *fields);
#endif
