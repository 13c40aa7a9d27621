/* tour: a walk through the console with captions, at the speaker's pace: each step moves the simulated world on to its
 * moment, goes to a place by command lines, as typed at `:`, and says a few sentences above the last line. Every other
 * key works as ever, so that one may look around and go on. */
#ifndef TUI_TOUR_H
#define TUI_TOUR_H
#include "base/str.h"

struct tour_step {
	const char *caption;
	const char *lines;       /* command lines, one a line; each runs when what the one before asked for has come */
	unsigned second;         /* of the simulated world, which moves there if it is not past it; 0 = stays */
};
struct tour {
	const char *title;
	const struct tour_step *steps;       /* ends with caption NULL */
};
#endif
