# kerngate - non-recursive; sources are found by globs. `make help` lists targets.
#
#   build/            the program (build/kerngate), guest_init, workloads/
#   build/check/      the same sources with ASan, UBSan and -Werror, and the tests
#   build/fuzz/       libFuzzer targets (clang)

SHELL := /bin/bash
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

B := build
C := $(B)/check
F := $(B)/fuzz

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
JOBS ?= $(shell nproc)

PACKAGES := libvirt libvirt-qemu sqlite3 jansson yaml-0.1 libarchive gsl libcrypto zlib
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS = $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wno-format-nonliteral
CFLAGS ?= -O2 -g
BASE_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -MMD -MP $(PKG_CFLAGS)
CHECK_CFLAGS = -O1 -g -Werror -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
# harness/tests/asan_fork.c names functions inside the runtime.
CHECK_LDFLAGS = $(if $(findstring clang,$(CC)),,-static-libasan)

# Floors: a file sees its own folder and those below. An upward include does not compile.
FLOORS := base model host engine commands
I_base := -Iharness/base
I_model := $(I_base) -Iharness/model
I_host := $(I_model) -Iharness/host
I_engine := $(I_host) -Iharness/engine
I_commands := $(I_engine) -Iharness/commands
I_tests := $(I_commands) -Iharness/tests
floor_of = $(word 2,$(subst /, ,$(1)))

LIB_SOURCES := $(wildcard harness/base/*.c harness/model/*.c harness/host/*.c harness/engine/*.c)
PROGRAM_SOURCES := $(wildcard harness/commands/*.c) harness/main.c
UNIT_SOURCES := $(wildcard harness/tests/*.c harness/tests/unit/*.c)
COMMAND_SOURCES := $(wildcard harness/tests/*.c harness/tests/commands/*.c)
BOOT_SOURCES := $(wildcard harness/tests/*.c harness/tests/boot/*.c)
FUZZ_SOURCES := $(wildcard harness/tests/fuzz/fuzz_*.c)
INIT_SOURCES := workloads/runtime/guest_init.c workloads/runtime/line.c $(wildcard workloads/runtime/init_*.c)
RUNTIME_SOURCES := workloads/runtime/line.c $(filter-out $(INIT_SOURCES),$(wildcard workloads/runtime/*.c))
WORKLOADS := $(patsubst workloads/%.c,$(B)/workloads/%,$(wildcard workloads/*.c))

objects = $(patsubst %.c,$(1)/obj/%.o,$(2))

.PHONY: all build
all: build
GUEST_PARTS := $(B)/kerngate-guest-exec $(B)/guest_init $(WORKLOADS)
PLUGINS := $(foreach api,1 3,$(B)/plugin/count-api$(api).so $(B)/plugin/turns-api$(api).so)
build: $(B)/kerngate $(GUEST_PARTS) $(PLUGINS)

# --- the program -----------------------------------------------------------
$(B)/kerngate: $(call objects,$(B),$(PROGRAM_SOURCES)) $(B)/libkerngate.a
	$(CC) $(CFLAGS) -o $@ $^ $(PKG_LIBS) -lm -lpthread
$(B)/libkerngate.a: $(call objects,$(B),$(LIB_SOURCES))
	rm -f $@ && ar rcs $@ $^
$(B)/obj/harness/main.o: I := $(I_commands)
$(B)/obj/harness/%.o: harness/%.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(CFLAGS) $(or $(I),$(I_$(call floor_of,$<))) -c -o $@ $<

# --- what runs in the guest: static, no sanitizer --------------------------
# A workload of several files keeps the others in a folder of its name.
GUEST_CFLAGS := -O2 -g -static -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -Werror -Iworkloads/runtime
.SECONDEXPANSION:
$(B)/workloads/%: workloads/%.c $$(wildcard workloads/$$*/*.[ch]) $(RUNTIME_SOURCES) \
		$(wildcard workloads/runtime/*.h)
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -o $@ $< $(filter workloads/$*/%.c,$^) $(RUNTIME_SOURCES) -lpthread
$(B)/guest_init: $(INIT_SOURCES) $(wildcard workloads/runtime/*.h)
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -o $@ $(INIT_SOURCES)
$(B)/kerngate-guest-exec: harness/host/exec/guest_exec.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -Werror $(CFLAGS) -o $@ $<

# --- what runs inside QEMU: one object for each plugin interface -------------
PLUGIN_CFLAGS := -O2 -g -fPIC -shared -fvisibility=hidden -std=gnu11 -D_GNU_SOURCE \
	$(WARNINGS) -Werror -Wno-frame-address -Iworkloads/runtime
$(B)/plugin/count-api%.so: $(wildcard workloads/plugin/*.[ch]) workloads/runtime/marker.h
	@mkdir -p $(@D)
	$(CC) $(PLUGIN_CFLAGS) -DPLUGIN_API=$* -o $@ $(filter %.c,$^) -lpthread
$(B)/plugin/turns-api%.so: workloads/plugin/turns/turns.c workloads/plugin/qemu_api.h
	@mkdir -p $(@D)
	$(CC) $(PLUGIN_CFLAGS) -Iworkloads/plugin -DPLUGIN_API=$* -o $@ $< -lpthread

# --- tests, with sanitizers --------------------------------------------------
$(C)/libkerngate.a: $(call objects,$(C),$(LIB_SOURCES))
	rm -f $@ && ar rcs $@ $^
$(C)/obj/harness/main.o: I := $(I_commands)
$(C)/obj/harness/%.o: harness/%.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(CHECK_CFLAGS) $(or $(I),$(I_$(call floor_of,$<))) -c -o $@ $<
$(C)/kerngate: $(call objects,$(C),$(PROGRAM_SOURCES) harness/tests/asan_fork.c) $(C)/libkerngate.a
	$(CC) $(CHECK_CFLAGS) $(CHECK_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lm -lpthread
$(C)/unit-tests: $(call objects,$(C),$(UNIT_SOURCES)) $(C)/libkerngate.a
	$(CC) $(CHECK_CFLAGS) $(CHECK_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcunit -lm -lpthread
$(C)/command-tests: $(call objects,$(C),$(COMMAND_SOURCES)) $(C)/libkerngate.a
	$(CC) $(CHECK_CFLAGS) $(CHECK_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcunit -lm -lpthread
$(C)/boot-tests: $(call objects,$(C),$(BOOT_SOURCES)) $(C)/libkerngate.a
	$(CC) $(CHECK_CFLAGS) $(CHECK_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcunit -lm -lpthread

# --- benchmarks ----------------------------------------------------------------
# Programs, and the files of harness/bench that each is made of. Each fails where
# something costs more than was promised.
BENCH_exact-cost := exact_cost bench_guests
BENCH_judge-cost := judge_cost
BENCH_history-cost := history_cost
BENCH_index-cost := index_cost
BENCH_REPEATS ?= 5
I_bench := $(I_engine) -Iharness/bench
$(B)/%-cost: $$(foreach part,$$(BENCH_$$*-cost),$(B)/obj/harness/bench/$$(part).o) $(B)/libkerngate.a
	$(CC) $(CFLAGS) -o $@ $^ $(PKG_LIBS) -lm -lpthread

.PHONY: bench bench-judge bench-history bench-index bench-exact
bench: deps-check
	@$(MAKE) --no-print-directory -s bench-judge bench-history bench-index bench-exact
bench-judge:
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(B)/judge-cost
	@$(B)/judge-cost
bench-history:
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(B)/history-cost
	@$(B)/history-cost
bench-index:
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(B)/index-cost
	@$(B)/index-cost
bench-exact:
	@$(MAKE) --no-print-directory -s -j$(JOBS) build $(B)/exact-cost
	@$(B)/kerngate build quick
	@$(B)/exact-cost $(BENCH_REPEATS)

# --- fuzzing -----------------------------------------------------------------
# Floors 0 and 1 once, instrumented; one program a fuzz_*.c. Seeds are tracked,
# what a run finds beyond them stays in build/fuzz/corpus-NAME.
FUZZ_SECONDS ?= 600
FUZZ_NAMES := $(patsubst harness/tests/fuzz/fuzz_%.c,%,$(FUZZ_SOURCES))
FUZZ_CFLAGS = -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -MMD -MP $(I_model) $(PKG_CFLAGS) \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
FUZZ_OPTIONS = -timeout=20 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
	-verbosity=0
$(F)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_CFLAGS) -c -o $@ $<
$(F)/libmodel.a: $(call objects,$(F),$(wildcard harness/base/*.c harness/model/*.c))
	rm -f $@ && ar rcs $@ $^
$(F)/fuzz_%: $(F)/obj/harness/tests/fuzz/fuzz_%.o $(F)/libmodel.a
	$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $^ $(PKG_LIBS) -lm -lpthread
.PRECIOUS: $(F)/obj/%.o $(F)/fuzz_%

.PHONY: fuzz fuzz-short $(addprefix fuzz-run-,$(FUZZ_NAMES))
fuzz:
	@$(MAKE) --no-print-directory -s -k -j$(JOBS) $(addprefix fuzz-run-,$(FUZZ_NAMES))
fuzz-short:
	@$(MAKE) --no-print-directory -s -k -j$(JOBS) FUZZ_SECONDS=5 \
		$(addprefix fuzz-run-,$(FUZZ_NAMES))
$(addprefix fuzz-run-,$(FUZZ_NAMES)): fuzz-run-%: $(F)/fuzz_%
	@mkdir -p $(F)/corpus-$*
	@$< $(FUZZ_OPTIONS) -max_total_time=$(FUZZ_SECONDS) \
		-artifact_prefix=$(F)/finding-$*- $(F)/corpus-$* \
		$(wildcard harness/tests/fixtures/fuzz/$* harness/tests/fuzz/corpus/$*) \
		> $(F)/$*.log 2>&1 || { tail -40 $(F)/$*.log; exit 1; }
	@echo "fuzz $*: $$(sed -n 's/stat::number_of_executed_units: *//p' $(F)/$*.log) runs in $(FUZZ_SECONDS) s, no finding"

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# --- what people call --------------------------------------------------------
.PHONY: help deps deps-check run check check-fast check-boot kernels test-binaries \
	format install clean

help:
	@echo 'make run         install what is missing, build kernels, run the quick campaign'
	@echo 'make check       every test, guests included (sanitizers, -Werror)'
	@echo 'make check-fast  every test without guests'
	@echo 'make build       build/kerngate, guest_init and the workloads'
	@echo 'make bench       what judging, history, index and exact mode cost, BENCH_REPEATS=5'
	@echo 'make fuzz        all fuzz targets, FUZZ_SECONDS=600 each'
	@echo 'make format      clang-format over harness/ and workloads/'
	@echo 'make install     to DESTDIR/PREFIX (default /usr/local)'

# Debian packages; needs root only if something is missing.
deps:
	@sh configs/deps/deps.sh configs/deps/packages-run.txt
deps-check:
	@sh configs/deps/deps.sh configs/deps/packages-run.txt configs/deps/packages-check.txt

# pkg-config may only just have been installed: a fresh make sees it.
run: deps
	@$(MAKE) --no-print-directory -s -j$(JOBS) build
	@$(B)/kerngate run quick

# The checked program finds the guest programs beside itself, as the other does.
test-binaries: $(C)/unit-tests $(C)/command-tests $(C)/boot-tests $(C)/kerngate $(GUEST_PARTS) $(PLUGINS)
	@for part in workloads plugin guest_init kerngate-guest-exec; do \
		ln -sfn ../$$part $(C)/$$part; done

# Leaks are looked for in the unit tests only. In a program that has just closed
# libvirt, threads of it may still be ending, and LeakSanitizer's tracer then
# crashes now and then ("Tracer caught signal 11").
COUNTS := $(abspath $(C))/counts.txt
TEST_ENV = KERNGATE=$(C)/kerngate KERNGATE_COUNTS=$(COUNTS) \
	ASAN_OPTIONS=detect_leaks=$(if $(filter unit%,$(1)),1,0):abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 \
	LSAN_OPTIONS=print_suppressions=0

# What the tested code logs goes to a file; its end is shown where a test fails.
run_tests = { $(call TEST_ENV,$(1)) $(C)/$(2) $(3) --junit $(C)/$(1).xml 2>$(C)/$(1).log || \
	{ echo "--- the end of $(C)/$(1).log:"; tail -n 40 $(C)/$(1).log; false; }; }

check: deps-check
	@$(MAKE) --no-print-directory -s -j$(JOBS) test-binaries
	@rm -f $(COUNTS); status=0; \
	$(MAKE) --no-print-directory -s check-tests || status=1; \
	$(MAKE) --no-print-directory -s fuzz-short || status=1; \
	$(MAKE) --no-print-directory -s check-boot || status=1; \
	sh harness/tests/totals.sh $(COUNTS) || status=1; exit $$status

check-fast: deps-check
	@$(MAKE) --no-print-directory -s -j$(JOBS) test-binaries
	@rm -f $(COUNTS); status=0; \
	$(MAKE) --no-print-directory -s check-tests || status=1; \
	sh harness/tests/totals.sh $(COUNTS) || status=1; exit $$status

# Half of what these tests do is waiting for processes: they run side by side.
SHARDS := unit-tests.1 unit-tests.2 command-tests
.PHONY: check-tests $(addprefix check-shard-,$(SHARDS))
check-tests:
	@$(MAKE) --no-print-directory -s -k -O -j3 $(addprefix check-shard-,$(SHARDS))
$(addprefix check-shard-,$(SHARDS)): check-shard-%:
	@$(call run_tests,$*,$(basename $*),$(if $(filter unit%,$*),--shard $(patsubst .%,%,$(suffix $*))/2))

# Real kernels first (cached per user), then real guests.
check-boot:
	@$(C)/kerngate build quick
	@$(call run_tests,boot-tests,boot-tests)

format:
	clang-format -i $(shell find harness workloads -name '*.[ch]')

PREFIX ?= /usr/local
install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/kerngate
	cp -r build/workloads build/plugin build/guest_init build/kerngate-guest-exec build/kerngate \
		$(DESTDIR)$(PREFIX)/lib/kerngate/
	cp -r kernel configs $(DESTDIR)$(PREFIX)/lib/kerngate/
	ln -sf ../lib/kerngate/kerngate $(DESTDIR)$(PREFIX)/bin/kerngate

clean:
	rm -rf $(B)
