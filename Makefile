# binnacle: GNU make, no configure step needed. `./configure` (optional) writes config.mak.autogen.
#   make            optimised program in build/
#   make demo       installs what is missing, builds, opens the demo
#   make check      installs what is missing, builds, passes every test, the live ones included
#   make test       unit, screen, key and protocol tests: seconds, no servers; make unit: only those
#   make dev        warnings are errors (CC=gcc or CC=clang); make dev-clang
#   make asan|ubsan|tsan   the quick tests under that sanitizer; make sanitize: the first two in one
#   make fuzz       every parser for FUZZ_SECONDS (60), or FUZZ_RUNS inputs that are the same each time
#   make bench      the figures of README.md
#   make live       the tests against genuine servers alone
#   V=1 shows the commands
#   make install uninstall DESTDIR= prefix=
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
-include config.mak.autogen
VERSION ?= 0.1.0
prefix ?= /usr/local
bindir ?= $(prefix)/bin
datadir ?= $(prefix)/share
mandir ?= $(datadir)/man
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
B ?= build
OPT ?= -O2 -g
PKGS := ncursesw libcurl jansson libpq yaml-0.1 libssh2 libutf8proc libcrypto sqlite3 expat zlib
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
WARN := -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla \
	-Wformat=2 -Wno-format-nonliteral -Wno-unused-parameter -Wno-missing-field-initializers
CFLAGS_ALL := -std=c11 -pthread -I. -DVERSION='"$(VERSION)"' $(WARN) $(OPT) $(PKG_CFLAGS) \
	-fstack-protector-strong -D_FORTIFY_SOURCE=2 $(CFLAGS) $(SAN)
# What is loaded late (libcurl, libpq) is not linked: see backends/net/late.h
LIBS := $(shell pkg-config --libs ncursesw jansson yaml-0.1 libutf8proc 2>/dev/null) -pthread -ldl -lm
LDFLAGS_ALL := -Wl,--as-needed -Wl,-z,relro $(LDFLAGS) $(SAN)

ifndef V
quiet = @echo '  $1 $@';
endif

SRC := $(sort $(wildcard base/*.c backends/*.c backends/*/*.c tui/*.c panes/*.c cli/*.c))
OBJ := $(SRC:%.c=$(B)/%.o)

# tests/DIR/test_*.c are programs, test_*.sh and test_*.py too; the other .c files there are what they share
# (those that wait longest first: they run side by side)
QUICK := protocol keys screens unit
TEST_SRC := $(sort $(wildcard $(QUICK:%=tests/%/test_*.c)))
TEST_BIN := $(TEST_SRC:%.c=$(B)/%)
TEST_SCRIPT := $(sort $(wildcard $(foreach d,$(QUICK),tests/$d/test_*.sh tests/$d/test_*.py)))
FUZZ_BIN := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
HELP_OBJ := $(patsubst %.c,$(B)/%.o,$(filter-out $(TEST_SRC),$(sort $(wildcard $(QUICK:%=tests/%/*.c)))))
# programs of the live tests and of the bench
TOOL_BIN := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/live/*.c tests/bench/*.c)))
TESTS = $(foreach d,$(QUICK),$(filter $(B)/tests/$d/% tests/$d/%,$(TEST_SCRIPT) $(TEST_BIN)))
RUN_TESTS = BINNACLE=$(abspath $(B)/binnacle) tests/run-tests

MAN := binnacle.1 binnacle.yaml.5 binnacle-themes.5 binnacle-keymaps.5 binnacle-plugins.7
COMPLETION := bash-completion/completions/binnacle zsh/site-functions/_binnacle fish/vendor_completions.d/binnacle.fish

all: $(B)/binnacle
$(B)/binnacle: $(B)/main.o $(B)/libbinnacle.a
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(B)/libbinnacle.a: $(OBJ)
	$(call quiet,AR)rm -f $@ && ar rcs $@ $^
$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call quiet,CC)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<
# everything is compiled again when the compiler or a flag changes that makes other code
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(subst ','\'',$(filter-out -Werror,$(CFLAGS_ALL)))' | cmp -s - $@ || \
		echo '$(CC) $(subst ','\'',$(filter-out -Werror,$(CFLAGS_ALL)))' >$@
FORCE:
# builtin.c and price.c take these in by .incbin
$(B)/tui/builtin.o: $(wildcard themes/*.yaml keymaps/*.yaml)
$(B)/backends/cost/price.o: backends/cost/prices.yaml

$(B)/libhelp.a: $(HELP_OBJ)
	$(call quiet,AR)rm -f $@ && ar rcs $@ $^
$(TEST_BIN): $(B)/%: $(B)/%.o $(B)/libhelp.a $(B)/libbinnacle.a
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcmocka -lvterm
$(TOOL_BIN): $(B)/%: $(B)/%.o $(B)/libhelp.a $(B)/libbinnacle.a
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lvterm
$(FUZZ_BIN): $(B)/%: $(B)/%.o $(B)/libbinnacle.a
	$(call quiet,LD)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LIBS)
.SECONDARY: $(TEST_BIN:=.o) $(TOOL_BIN:=.o) $(FUZZ_BIN:=.o)
-include $(OBJ:.o=.d) $(HELP_OBJ:.o=.d) $(B)/main.d $(TEST_BIN:=.d) $(TOOL_BIN:=.d) $(FUZZ_BIN:=.d)

# ---- other builds
dev:
	$(MAKE) B=build-dev-$(notdir $(CC)) OPT='-O1 -g' CFLAGS='$(CFLAGS) -Werror' all test-programs tools
dev-clang:
	$(MAKE) CC=clang dev
asan:
	$(MAKE) B=build-asan OPT='-O1 -g -fno-omit-frame-pointer' SAN='-fsanitize=address' test
ubsan:
	$(MAKE) B=build-ubsan OPT='-O1 -g' SAN='-fsanitize=undefined -fno-sanitize-recover=undefined' test
sanitize:
	$(MAKE) B=build-sanitize OPT='-O1 -g -fno-omit-frame-pointer' \
		SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined' test
# setarch: older ThreadSanitizers do not run where addresses are too random. At its end each process waits for races with what
# still runs: for 0.1 s, not the usual second, as the tests start thousands.
tsan:
	TSAN_OPTIONS="atexit_sleep_ms=100 $$TSAN_OPTIONS" $(MAKE) B=build-tsan OPT='-O1 -g' SAN='-fsanitize=thread' TEST_JOBS=4 \
		TEST_WITH='$(shell setarch -R true 2>/dev/null && echo setarch -R)' test

# ---- tests
test-programs: $(TEST_BIN)
tools: $(TOOL_BIN)
test: all test-programs
	@$(RUN_TESTS) $(TESTS)
unit: $(filter $(B)/tests/unit/%,$(TEST_BIN)) all
	@$(RUN_TESTS) $(filter $(B)/tests/unit/% tests/unit/%,$(TESTS))
fuzz:
	@$(MAKE) B=build-fuzz CC=clang OPT='-O1 -g' \
		SAN='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined' fuzz-programs
	@tests/run-fuzz build-fuzz $(if $(FUZZ_RUNS),runs=$(FUZZ_RUNS),$(or $(FUZZ_SECONDS),60)) $(FUZZ)
fuzz-programs: $(FUZZ_BIN)
live: all tools
	@tests/live/run.sh $(B)/binnacle
bench: all tools
	@if [ -x tests/bench/run ]; then tests/bench/run $(B)/binnacle; else $(B)/tests/bench/bench_store; fi
check-layers:
	@tests/check-layers
check:
	@tests/install-deps check
	@tests/check
demo:
	@tests/install-deps build
	@$(MAKE) -s -j$$(nproc) all
	@$(B)/binnacle demo

# ---- manual and completion: their tables come from the program
man: $(MAN:%=$(B)/man/%)
$(B)/man/%: man/%.in $(B)/binnacle
	@mkdir -p $(@D)
	@awk -v program=$(B)/binnacle -v version=$(VERSION) '/^@table / { fflush(); if (system(program " tables " $$2)) exit 1; next } \
		{ gsub(/@VERSION@/, version); print }' $< >$@.part && mv $@.part $@

install: all man
	install -D -m 755 $(B)/binnacle $(DESTDIR)$(bindir)/binnacle
	set -e; for page in $(MAN); do \
		install -D -m 644 $(B)/man/$$page $(DESTDIR)$(mandir)/man$${page##*.}/$$page; done
	set -e; for file in themes/*.yaml keymaps/*.yaml; do \
		install -D -m 644 $$file $(DESTDIR)$(datadir)/binnacle/$$file; done
	install -D -m 755 contrib/plugins/slurm $(DESTDIR)$(datadir)/binnacle/plugins/slurm
	install -D -m 644 contrib/plugins/slurm.yaml $(DESTDIR)$(datadir)/binnacle/plugins/slurm.yaml
	install -d $(DESTDIR)$(prefix)/lib/systemd/user
	sed 's,/usr/local/bin/binnacle,$(bindir)/binnacle,' contrib/binnacle-watch.service >$(DESTDIR)$(prefix)/lib/systemd/user/binnacle-watch.service
	set -e; for file in $(COMPLETION); do \
		install -d $(DESTDIR)$(datadir)/$${file%/*}; \
		$(B)/binnacle completion $${file%%[-/]*} >$(DESTDIR)$(datadir)/$$file; done
uninstall:
	rm -f $(DESTDIR)$(prefix)/lib/systemd/user/binnacle-watch.service $(DESTDIR)$(bindir)/binnacle $(COMPLETION:%=$(DESTDIR)$(datadir)/%)
	for page in $(MAN); do rm -f $(DESTDIR)$(mandir)/man$${page##*.}/$$page; done
	rm -rf $(DESTDIR)$(datadir)/binnacle
clean:
	rm -rf build build-*
.PHONY: FORCE all dev dev-clang asan ubsan sanitize tsan test-programs tools test unit fuzz fuzz-programs live bench check-layers \
	check demo man install uninstall clean
