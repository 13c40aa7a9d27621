/* vt: runs a program in a pseudo-terminal and reads its screen through libvterm, as a user would see it. Waiting is for
 * text, for quiet, or for the end, never for an amount of time; every wait has a limit after which the test fails. */
#ifndef TESTS_VT_H
#define TESTS_VT_H
#include "base/buf.h"
#include <sys/types.h>

struct vt;
struct vt_look { bool bold, dim, underline, reverse; int fg, bg; };    /* -1 default, 0xrrggbb, or 0x1000000 + index */

/* argv as for execvp; env: "K=V" laid over ours ("K" alone: not set), NULL-terminated, may be NULL; TERM is
 * xterm-256color and LANG C.UTF-8 unless given. Never NULL: prints and aborts when it cannot start. */
struct vt *vt_start(const char *const *argv, const char *const *env, int w, int h);
void vt_free(struct vt *v);              /* ends the program if it runs */
void vt_type(struct vt *v, const char *bytes);           /* after an ESC at the end it waits as vt_settle does */
void vt_send(struct vt *v, const void *bytes, size_t n);
/* Until the screen shows text, all that was typed having been read and what comes of it drawn; false and the screen on
 * stderr when it does not within ms. */
bool vt_wait(struct vt *v, const char *text, int ms);
bool vt_wait_gone(struct vt *v, const char *text, int ms);
/* Until the program rests and nothing came for quiet_ms (the header's clock ticks: keep it under 900). */
void vt_quiet(struct vt *v, int quiet_ms);
/* Until the program has read all that was typed and slept for 60 ms: then a lone ESC was Esc to it, however busy the machine. */
void vt_settle(struct vt *v);
void vt_run(struct vt *v, int ms);       /* reads for that long (to measure what an idle program sends) */
bool vt_more(struct vt *v, int ms);      /* reads once, as soon as something comes; false: nothing did */
bool vt_has(struct vt *v, const char *text);
const char *vt_screen(struct vt *v);     /* lines, trailing blanks cut; valid until the next call */
const char *vt_line(struct vt *v, int y);
int vt_find(struct vt *v, const char *text);     /* the line that has it, or -1 */
struct vt_look vt_look(struct vt *v, int x, int y);
void vt_resize(struct vt *v, int w, int h);
void vt_hangup(struct vt *v);            /* closes the terminal */
pid_t vt_pid(const struct vt *v);
/* Bytes the program has sent since the last vt_count_reset, and the bytes themselves. */
size_t vt_count(const struct vt *v);
void vt_count_reset(struct vt *v);
struct str vt_bytes(const struct vt *v);
bool vt_alternate(const struct vt *v);
bool vt_cursor_shown(const struct vt *v);
unsigned vt_bells(const struct vt *v);
bool vt_raw_mode(const struct vt *v);    /* the line discipline does not echo */
/* Waits for the end: exit code, 128 + signal, or -1 when it does not end within ms. */
int vt_end(struct vt *v, int ms);
double vt_cpu_s(const struct vt *v);     /* processor seconds used so far */
long vt_rss_kb(const struct vt *v);
int64_t vt_now_us(void);
/* Microseconds from writing the keys until the screen has changed (any byte came). */
int64_t vt_answer_us(struct vt *v, const char *keys, int ms);
#endif
