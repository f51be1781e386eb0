# SPDX-License-Identifier: GPL-2.0-only
# gobpftrace: `make help` lists what can be made.

BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
V       ?= 0
CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= $(shell command -v bpftool || echo /usr/sbin/bpftool)
ARCH    ?= x86

ifeq ($(V),0)
Q := @
say = @printf '  %-8s %s\n' '$(1)' '$(2)'
else
Q :=
say = @:
endif

# Debian's own libbpf is too old for uprobe_multi; scripts/dependencies unpacks 1.4.6 here.
DEPS    := build/deps
BPF_INC := $(DEPS)/usr/include
LIBBPF  := $(firstword $(wildcard $(DEPS)/usr/lib/*/libbpf.a) $(DEPS)/usr/lib/x86_64-linux-gnu/libbpf.a)

VERSION := $(shell sed -n 's/^\#define GOBPFTRACE_VERSION "\(.*\)"/\1/p' include/gobpftrace_version.h)

WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	   -Wno-unused-parameter -Wvla
CPPFLAGS += -D_GNU_SOURCE -Iinclude -Iuser -I$(BUILD)/bpf -isystem $(BPF_INC)
CFLAGS  ?= -O2 -g
CFLAGS  += -std=gnu11 $(WARN) -fno-omit-frame-pointer -fstack-protector-strong
SAN     := -fsanitize=address,undefined -fno-sanitize-recover=all
LIBS    := $(LIBBPF) -lelf -ldw -lz -lcapstone -lyaml -lpthread -lm

# ---- rooms: an archive each; a room sees only itself and those below it -------------------
comma := ,
ROOMS := base binary process goruntime raw capture model watch analysis output recorder cli
below_base      :=
below_binary    := base
below_process   := base
below_goruntime := binary process base
below_raw       := goruntime $(below_goruntime)
below_capture   := raw $(below_raw)
below_model     := raw $(below_raw)
below_analysis  := model $(below_model)
below_output    := analysis $(below_analysis)
below_watch     := model $(below_model)
below_recorder  := watch output capture $(below_output)
below_cli       := recorder $(below_recorder)

src_of = $(wildcard user/$(1)/*.c)
obj_of = $(patsubst %.c,$(BUILD)/$(2)/%.o,$(call src_of,$(1)))
libs_of = $(foreach r,$(1) $(below_$(1)),$(BUILD)/$(2)/lib$(r).a)

.PHONY: all help deps demo test unit golden live fuzz bench fidelity soak check format static san \
	install arm64 clean fixtures
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/gobpftrace ## build the tool

help: ## this list
	@sed -n 's/^\([a-z0-9][a-z0-9]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

deps: ## install what is missing to build and test (Debian, Ubuntu; says what elsewhere)
	$(Q)scripts/dependencies

$(LIBBPF):
	$(Q)scripts/dependencies libbpf

# ---- BPF --------------------------------------------------------------------------------
BPF_SRCS := $(wildcard bpf/*.bpf.c)
BPF_OBJS := $(patsubst bpf/%.bpf.c,$(BUILD)/bpf/%.bpf.o,$(BPF_SRCS))
SKELS    := $(patsubst bpf/%.bpf.c,$(BUILD)/bpf/%.skel.h,$(BPF_SRCS))
BPFFLAGS := -O2 -g -target bpf -mcpu=v2 -D__TARGET_ARCH_$(ARCH) -D__BPF__ -Wall -Wextra -Werror \
	    -Wno-unused-parameter -Iinclude -Ivmlinux -Ibpf -isystem $(BPF_INC)

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c | $(LIBBPF)
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPFFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c $< -o $@.tmp && llvm-strip$(LLVM_SUFFIX) -g $@.tmp && mv $@.tmp $@

$(BUILD)/bpf/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $(subst .,_,$*)_bpf > $@.tmp && mv $@.tmp $@

# ---- objects and archives: obj (release), san (ASan + UBSan) -------------------------------
define flavour
$(BUILD)/$(1)/user/%.o: user/%.c | $(LIBBPF)
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$$(CC) $$(CPPFLAGS) $$(CFLAGS) $(2) -MMD -MP -c $$< -o $$@
# only the room that knows libbpf waits for the skeletons
$(call obj_of,capture,$(1)): $(SKELS)
endef
define archive
$(BUILD)/$(2)/lib$(1).a: $(call obj_of,$(1),$(2))
	@mkdir -p $$(@D)
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call archive,$(r),obj)))
$(foreach r,$(ROOMS),$(eval $(call archive,$(r),san)))
$(eval $(call flavour,obj,))
$(eval $(call flavour,san,$(SAN)))

$(BUILD)/gobpftrace: $(call libs_of,cli,obj) $(LIBBPF)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ -Wl,--whole-archive $(BUILD)/obj/libcli.a \
		-Wl,--no-whole-archive -Wl,--start-group $(filter-out %libcli.a,$(call libs_of,cli,obj)) \
		-Wl,--end-group $(LIBS)

static: $(BUILD)/gobpftrace-static ## one file without shared libraries
$(BUILD)/gobpftrace-static: $(call libs_of,cli,obj) $(LIBBPF)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -o $@ -Wl,--whole-archive $(BUILD)/obj/libcli.a \
		-Wl,--no-whole-archive -Wl,--start-group $(filter-out %libcli.a,$(call libs_of,cli,obj)) \
		$(LIBS) -Wl,--end-group

# The tool under sanitizers, for live tests with hostile input
san: $(BUILD)/gobpftrace-san
$(BUILD)/gobpftrace-san: $(call libs_of,cli,san) $(LIBBPF)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(SAN) $(LDFLAGS) -o $@ -Wl,--whole-archive $(BUILD)/san/libcli.a \
		-Wl,--no-whole-archive -Wl,--start-group $(filter-out %libcli.a,$(call libs_of,cli,san)) \
		-Wl,--end-group $(LIBS)

# ---- tests ------------------------------------------------------------------------------
ROOM ?= *
UNIT_SRCS := $(wildcard tests/unit/$(ROOM)_*_test.c)
UNIT_BINS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT_SRCS))
FUZZ_SRCS := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BINS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRCS))

# A unit test's first word names its room: it is linked with that room and those below.
define unit_rule
$(BUILD)/tests/$(1): tests/unit/$(1).c $(call libs_of,$(2),san) | $(LIBBPF)
	@mkdir -p $$(@D)
	$$(call say,TEST,$$@)
	$$(Q)$$(CC) $$(CPPFLAGS) $$(CFLAGS) $(SAN) -Itests/unit -Ibpf -MMD -MP -o $$@ $$< -Wl,--start-group \
		$(call libs_of,$(2),san) -Wl,--end-group -lcmocka $$(LIBS)
endef
$(foreach t,$(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*_test.c)),$(eval $(call unit_rule,$(t),$(firstword $(subst _, ,$(t))))))

# Faults of what is below, by functions of the test's in place of the real ones
$(BUILD)/tests/recorder_probes_gone_test: private CFLAGS += $(addprefix -Wl$(comma)--wrap=,capture__probes_on \
	capture__probes_off capture__stats capture__drain capture__execed_ns process__cpu_ns process__is_alive go_target__snapshot)

unit: $(UNIT_BINS) ## unit tests (no privilege)
	$(Q)scripts/run-unit $(UNIT_BINS)

# Drivers of live tests that use the rooms directly
LIVE_SRCS := $(wildcard tests/live/*.c)
LIVE_BINS := $(patsubst tests/live/%.c,$(BUILD)/live/%,$(LIVE_SRCS))
$(BUILD)/live/%: tests/live/%.c $(filter-out %libcli.a,$(call libs_of,cli,obj)) | $(LIBBPF)
	@mkdir -p $(@D)
	$(call say,LIVE,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -o $@ $< -Wl,--start-group $(filter-out %libcli.a,$(call libs_of,cli,obj)) -Wl,--end-group $(LIBS)
livebins: $(LIVE_BINS)

# Fuzzers run with clang's libFuzzer; objects of their own because gcc's ASan does not mix.
FUZZ_FLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_ROOMS := base binary process goruntime raw model watch analysis output
FUZZ_OBJS  := $(foreach r,$(FUZZ_ROOMS),$(patsubst %.c,$(BUILD)/fuzzobj/%.o,$(call src_of,$(r))))
$(BUILD)/fuzzobj/user/%.o: user/%.c | $(LIBBPF)
	@mkdir -p $(@D)
	$(call say,FUZZCC,$@)
	$(Q)$(CLANG) $(CPPFLAGS) $(filter-out -Werror,$(CFLAGS)) $(FUZZ_FLAGS) -MMD -MP -c $< -o $@
$(BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZ_OBJS)
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)$(CLANG) $(CPPFLAGS) $(filter-out -Werror -Wmissing-prototypes,$(CFLAGS)) -Wno-missing-prototypes -Ibpf -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $< $(FUZZ_OBJS) $(LIBS)

FUZZ_SECONDS ?= 10
fuzz: $(FUZZ_BINS) ## every fuzzer for FUZZ_SECONDS
	$(Q)scripts/run-fuzz $(FUZZ_SECONDS) $(FUZZ_BINS)

demo: ## install, build, run a Go service under load, capture it, show the summary
	$(Q)scripts/demo

test: ## install, build, run everything that CI runs
	$(Q)scripts/test

fixtures: ## the Go programs that live tests trace
	$(Q)scripts/fixtures

golden: $(BUILD)/gobpftrace ## replays of saved raw captures (no privilege)
	$(Q)tests/golden/run $(BUILD)/gobpftrace

live: $(BUILD)/gobpftrace $(BUILD)/gobpftrace-san livebins ## live tests (root, real kernel, real Go programs)
	$(Q)tests/live/run

fidelity: $(BUILD)/gobpftrace ## our files against runtime/trace and runtime/pprof, every Go version
	$(Q)scripts/fidelity

bench: $(BUILD)/gobpftrace ## what captures cost, side by side with other tools; W=workloads T=treatments ROWS=rows
	$(Q)W='$(W)' T='$(T)' scripts/bench $(ROWS)

soak: $(BUILD)/gobpftrace ## 1,000 attach cycles and 100 kills on a loaded process
	$(Q)scripts/soak

check: ## format, include direction, warnings as errors, static analysis
	$(Q)scripts/check

format: ## clang-format every C file
	$(Q)clang-format -i $$(git ls-files --cached --others --exclude-standard -- '*.c' '*.h')

arm64: ## cross-compile the BPF objects and the user code for arm64
	$(Q)scripts/build-arm64

install: $(BUILD)/gobpftrace ## install the tool and its man pages
	install -Dm755 $(BUILD)/gobpftrace $(DESTDIR)$(PREFIX)/bin/gobpftrace
	for m in docs/man/*.1; do install -Dm644 $$m $(DESTDIR)$(PREFIX)/share/man/man1/$$(basename $$m); done

clean: ## remove what was built (not what was fetched)
	$(Q)find $(BUILD) -mindepth 1 -maxdepth 1 ! -name deps ! -name fixtures ! -name toolchains -exec rm -rf {} +

-include $(shell find $(addprefix $(BUILD)/,bpf obj san tests live fuzz fuzzobj) -type f -name '*.d' 2>/dev/null)
