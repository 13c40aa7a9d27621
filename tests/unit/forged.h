/* forged: whoever runs this program, it is an ordinary user's, whose environment says another's name (FORGED). What says who acts
 * has to say who_really(). */
#ifndef TESTS_FORGED_H
#define TESTS_FORGED_H
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FORGED "mallory"

static uid_t acting = 65534;

/* These stand in for the C library's: the program's own come first where it is linked. */
uid_t getuid(void)
{
	return acting;
}

uid_t geteuid(void)
{
	return acting;
}

static inline void forge(void)
{
	static const char *const names[] = { "USER", "LOGNAME", "USERNAME", "SUDO_USER" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		setenv(names[i], FORGED, 1);
}

static inline const char *who_really(void)
{
	static char number[16];
	const struct passwd *pw = getpwuid(acting);
	snprintf(number, sizeof(number), "%u", (unsigned)acting);
	return pw ? pw->pw_name : number;
}
#endif
