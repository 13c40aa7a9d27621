/* audit_line: one line of the audit trail in full: what was sent, why, approved by whom, and the lines that belong to it. */
#ifndef PANES_AUDIT_LINE_H
#define PANES_AUDIT_LINE_H
#include "tui/app.h"

struct page *audit_line_page(struct app *app, const char *path, unsigned number);
#endif
