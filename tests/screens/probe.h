/* probe: see probe.c. */
#ifndef TESTS_PROBE_H
#define TESTS_PROBE_H
int probe_main(int argc, char **argv);
#endif
