# Quoin. One Makefile, no recursion: `make`, `make check`, `make help`.
#
# A flavour is a build directory: make FLAVOUR=plain|asan|fuzz|cover|libc
# Programs on the way of a message are static and start fast: musl where there is
# musl-gcc, else static glibc. The rest (user database, libsodium) is glibc.

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all nosync fuzz fuzzers search check tests starts clean help lint lines lines-update install uninstall vars integration faults FORCE

FLAVOUR ?= plain
B ?= build/$(FLAVOUR)

# Where an installed Quoin lives. QMAIL=/var/qmail puts all of it under one roof.
ifdef QMAIL
CONTROLDIR ?= $(QMAIL)/control
QUEUEDIR ?= $(QMAIL)/queue
RUNDIR ?= $(QMAIL)/run
USERSDIR ?= $(QMAIL)/users
ALIASDIR ?= $(QMAIL)/alias
HOMESDIR ?= $(QMAIL)/homes
STSDIR ?= $(QMAIL)/sts
BINDIR ?= $(QMAIL)/bin
LOGDIR ?= $(QMAIL)/log
MANDIR ?= $(QMAIL)/man
endif
CONTROLDIR ?= /etc/quoin/control
QUEUEDIR ?= /var/lib/quoin/queue
RUNDIR ?= /run/quoin
USERSDIR ?= /etc/quoin/users
ALIASDIR ?= /var/lib/quoin/alias
HOMESDIR ?= /var/lib/quoin/homes
STSDIR ?= /var/lib/quoin/sts
BINDIR ?= /usr/lib/quoin
LOGDIR ?= /var/log/quoin
MANDIR ?= /usr/share/man
VERSION = 0.1

# ---- compilers and flags ------------------------------------------------------

CC := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
MUSL ?= $(if $(filter clang%,$(CC)),,$(shell command -v musl-gcc))
CSTD = -std=c17 -D_GNU_SOURCE
WARN = -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wundef -Wformat=2 -Werror
HARD = -fstack-protector-strong -fno-common
OPT = -O2 -g

ifeq ($(FLAVOUR),asan)
MUSL :=
OPT = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FASTLINK =
else ifeq ($(FLAVOUR),fuzz)
MUSL :=
CC := clang
OPT = -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FASTLINK =
else ifeq ($(FLAVOUR),cover)
MUSL :=
OPT = -O0 -g --coverage
FASTLINK =
else ifeq ($(FLAVOUR),libc)
MUSL :=
FASTLINK = -static-pie
HARD += -D_FORTIFY_SOURCE=2
else
FASTLINK = -static-pie
HARD += -D_FORTIFY_SOURCE=2
endif

LIBCFLAGS = $(CSTD) $(WARN) $(OPT) $(HARD) -fPIE -Ilib -I$(B) -DHAVE_SODIUM
LIBCLINK = $(OPT) -pie -Wl,-z,relro,-z,now
ifneq ($(MUSL),)
FASTCC = $(MUSL)
# musl's headers first, then the kernel's and cdb.h through links of our own
FASTFLAGS = $(CSTD) $(WARN) $(OPT) -fstack-protector-strong -fno-common -fPIE -Ilib -I$(B) \
	-fno-asynchronous-unwind-tables \
	-idirafter $(B)/sysinc
FASTSODIUM =
# musl-gcc looks into musl's directory only
FASTCDB = $(shell $(CC) -print-file-name=libcdb.a)
FASTUTF8 = $(shell $(CC) -print-file-name=libutf8proc.a)
FASTZ = $(shell $(CC) -print-file-name=libz.a)
# musl-gcc has no words for static-pie: its start file is named here
MUSLDIR = $(dir $(firstword $(wildcard /usr/lib/*-linux-musl/rcrt1.o /usr/lib/musl/lib/rcrt1.o)))
FASTLINK = -static -nostartfiles -Wl,-pie,--no-dynamic-linker,-z,text,-z,noexecstack \
	$(MUSLDIR)rcrt1.o $(MUSLDIR)crti.o
FASTEND = $(MUSLDIR)crtn.o
SYSINC = $(B)/sysinc/cdb.h
else
FASTCC = $(CC)
FASTFLAGS = $(LIBCFLAGS)
FASTSODIUM = -lsodium
FASTCDB = -lcdb
FASTUTF8 = -lutf8proc
FASTZ = -lz
SYSINC =
endif
FASTLDFLAGS = $(OPT) $(FASTLINK) -Wl,-z,relro,-z,now

# ---- the library: small units, one header each ----------------------------------

LIBSRC = $(sort $(wildcard lib/*.c lib/*/*.c))
LIBOBJ = $(LIBSRC:.c=.o)

# ---- the programs: what each is made of ------------------------------------------
# FAST: static, on the way of a message. SLOW: glibc, dynamic. SCRIPTS: FOLDER/NAME
# of shell programs. LINKS: PROGRAM/NAME, a second name in the same directory.

FAST =
SLOW =
SCRIPTS =
LINKS =

-include $(sort $(wildcard */parts.mk))

# ---- rules --------------------------------------------------------------------

ALL = $(FAST) $(SLOW)
HOUSE = users modes as s6 fail2ban
all: $(ALL:%=$(B)/bin/%) $(SCRIPTS:%=$(B)/bin/%) $(addprefix $(B)/bin/,$(notdir $(LINKS))) $(B)/bin/house/made

# Rewritten only when it changes: then everything is compiled anew.
$(B)/gen/build.h: FORCE | $(B)/gen
	@{ echo '/* Made by the Makefile: where this build expects everything. */'; \
	for v in CONTROLDIR=$(CONTROLDIR) QUEUEDIR=$(QUEUEDIR) RUNDIR=$(RUNDIR) \
		USERSDIR=$(USERSDIR) ALIASDIR=$(ALIASDIR) HOMESDIR=$(HOMESDIR) STSDIR=$(STSDIR) \
		BINDIR=$(BINDIR) LOGDIR=$(LOGDIR) VERSION=$(VERSION); do \
		echo "#define BUILD_$${v%%=*} \"$${v#*=}\""; done; } > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
FORCE:
$(B)/gen $(B)/bin $(B)/map $(B)/sysinc $(B)/tools:
	@mkdir -p $@

$(B)/sysinc/cdb.h: | $(B)/sysinc
	@for d in linux asm-generic; do ln -sfn /usr/include/$$d $(B)/sysinc/$$d; done
	@ln -sfn $$(dirname $$(echo '#include <asm/unistd.h>' | $(CC) -E -xc - | \
		sed -n 's/^# [0-9]* "\(.*\/asm\/unistd.h\)".*/\1/p' | head -n 1)) $(B)/sysinc/asm
	@ln -sfn /usr/include/utf8proc.h /usr/include/zlib.h \
		$(firstword $(wildcard /usr/include/zconf.h /usr/include/*/zconf.h)) $(B)/sysinc/
	@ln -sfn /usr/include/cdb.h $@

# Sandbox profiles become arrays when Quoin is built.
$(B)/tools/mkjail: package/mkjail.c | $(B)/tools
	$(if $V,,@echo "  HOSTCC mkjail";)$(CC) $(CSTD) -O1 $(WARN) -o $@ $< -lseccomp
JAILS = $(wildcard */*.jail)
define jail_rule
$(B)/gen/jail_$(basename $(notdir $1)).c: $1 $(B)/tools/mkjail | $(B)/gen
	@$(B)/tools/mkjail $1 > $$@
endef
$(foreach j,$(JAILS),$(eval $(call jail_rule,$j)))
$(B)/slow/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	@$(CC) $(LIBCFLAGS) -c -o $@ $<
# Kept, and not .SECONDARY: a new file of lib/ that is older than the archive was left out.
.PRECIOUS: $(B)/slow/%.o $(B)/fast/%.o

$(B)/slow/%.o: %.c $(B)/gen/build.h
	@mkdir -p $(@D)
	$(if $V,,@echo "  CC     $< (glibc)";)$(CC) $(LIBCFLAGS) -MMD -MP -MT '$$(B)/slow/$*.o' -c -o $@ $<
$(B)/slow/libquoin.a: $(LIBOBJ:%=$(B)/slow/%)
	@rm -f $@; $(AR) qcD $@ $^
ifneq ($(MUSL),)
$(B)/fast/gen/%.o: $(B)/gen/%.c | $(SYSINC)
	@mkdir -p $(@D)
	@$(FASTCC) $(FASTFLAGS) -c -o $@ $<
$(B)/fast/%.o: %.c $(B)/gen/build.h | $(SYSINC)
	@mkdir -p $(@D)
	$(if $V,,@echo "  CC     $<";)$(FASTCC) $(FASTFLAGS) -MMD -MP -MT '$$(B)/fast/$*.o' -c -o $@ $<
$(B)/fast/libquoin.a: $(LIBOBJ:%=$(B)/fast/%)
	@rm -f $@; $(AR) qcD $@ $^
else # one libc, the same flags: nothing is compiled twice
$(B)/fast/%.o: $(B)/slow/%.o
	@mkdir -p $(@D); ln -f $< $@
$(B)/fast/libquoin.a: $(B)/slow/libquoin.a
	@mkdir -p $(@D); ln -f $< $@
endif

# NAME.o: objects beside lib/; NAME.libs: -l words; NAME.jails: profiles linked in
define fast_program
$(B)/bin/$1: $$($1.o:%=$(B)/fast/%) $$($1.jails:%=$(B)/fast/gen/jail_%.o) $(B)/fast/libquoin.a | $(B)/bin $(B)/map
	$$(if $$V,,@echo "  LINK   $1";)$(FASTCC) $(FASTLDFLAGS) -Wl,-Map=$(B)/map/$1 -o $$@ $$^ $$($1.libs) $(FASTCDB) $(FASTSODIUM) $(FASTEND)
endef
define slow_program
$(B)/bin/$1: $$($1.o:%=$(B)/slow/%) $$($1.jails:%=$(B)/slow/gen/jail_%.o) $(B)/slow/libquoin.a | $(B)/bin $(B)/map
	$$(if $$V,,@echo "  LINK   $1 (glibc)";)$(CC) $(LIBCLINK) -Wl,-Map=$(B)/map/$1 -o $$@ $$^ $$($1.libs) -lcdb -lsodium
endef
$(foreach p,$(FAST),$(eval $(call fast_program,$p)))
$(foreach p,$(SLOW),$(eval $(call slow_program,$p)))

# bin/ of a build is what an installed BINDIR is: scripts, second names and the tables
# of the house (package/) stand beside the programs.
define script_rule
.PHONY: $(B)/bin/$1
$(B)/bin/$1: $(B)/bin/$(notdir $1)
$(B)/bin/$(notdir $1): $1 | $(B)/bin
	@install -m 755 $$< $$@
endef
$(foreach s,$(SCRIPTS),$(eval $(call script_rule,$s)))
define link_rule
$(B)/bin/$(notdir $1): | $(B)/bin
	@ln -sfn $(patsubst %/,%,$(dir $1)) $$@
endef
$(foreach l,$(LINKS),$(eval $(call link_rule,$l)))
$(B)/bin/house/made: Makefile $(shell find $(HOUSE:%=package/%) -type f) $(wildcard control/samples/*) | $(B)/bin
	@rm -rf $(@D); mkdir -p $(@D)/samples
	@cp -R $(HOUSE:%=package/%) $(@D) && cp control/samples/* $(@D)/samples
	@touch $@

# ---- tests ----------------------------------------------------------------------
# tests/unit/test_X.c: cmocka, with lib/ and the objects named in test_X.o.

UNITS = $(basename $(notdir $(wildcard tests/unit/test_*.c)))
define unit_program
$(B)/tests/$1: $(B)/slow/tests/unit/$1.o $$($1.o:%=$(B)/slow/%) $$($1.jails:%=$(B)/slow/gen/jail_%.o) $(B)/slow/libquoin.a
	@mkdir -p $$(@D)
	$$(if $$V,,@echo "  LINK   $1";)$(CC) $(LIBCLINK) -o $$@ $$^ $$($1.libs) -lcmocka -lcdb -lsodium -lpthread
endef
$(foreach u,$(UNITS),$(eval $(call unit_program,$u)))

# tests/fuzz/fuzz_X.c: LLVMFuzzerTestOneInput; corpora in tests/fuzz/corpus/X. In
# the flavour fuzz linked with libFuzzer, elsewhere with a driver that runs files.
FUZZERS = $(basename $(notdir $(wildcard tests/fuzz/fuzz_*.c)))
ifeq ($(FLAVOUR),fuzz)
FUZZMAIN = -fsanitize=fuzzer
else
FUZZMAIN = $(B)/slow/tests/fuzz/replay.o
endif
define fuzz_program
$(B)/tests/$1: $(B)/slow/tests/fuzz/$1.o $$($1.o:%=$(B)/slow/%) $(B)/slow/libquoin.a $$(filter %.o,$$(FUZZMAIN))
	@mkdir -p $$(@D)
	$$(if $$V,,@echo "  LINK   $1";)$(CC) $(LIBCLINK) -o $$@ $$(filter-out $$(filter %.o,$$(FUZZMAIN)),$$^) $$(FUZZMAIN) $$($1.libs) -lcdb -lsodium
endef
$(foreach f,$(FUZZERS),$(eval $(call fuzz_program,$f)))

# tests/integration/X.c: what a pytest drives, by its name below $(B)/tests.
takeover.jails = qsmtpd
DRIVERS = $(basename $(notdir $(wildcard tests/integration/*.c)))
define driver_program
$(B)/tests/$1: $(B)/slow/tests/integration/$1.o $$($1.jails:%=$(B)/slow/gen/jail_%.o) $(B)/slow/libquoin.a
	@mkdir -p $$(@D)
	$$(if $$V,,@echo "  LINK   $1";)$(CC) $(LIBCLINK) -o $$@ $$^ -lcdb -lsodium
endef
$(foreach d,$(DRIVERS),$(eval $(call driver_program,$d)))

# tests/faults: what makes calls fail, and the programs whose allocations can.
FAULTY = qqueue qstart qsend qbounce qlspawn qlocal qrspawn qremote qinject sendmail \
	qimapd qpop3d
WRAPS = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
$(B)/tests/tracer: tests/faults/tracer.c tests/faults/alloc.h
	@mkdir -p $(@D)
	$(if $V,,@echo "  LINK   tracer";)$(CC) $(CSTD) $(WARN) -O2 -g -o $@ $< -lseccomp
define faulty_program
$(B)/tests/faulty/$1: $$($1.o:%=$(B)/fast/%) $$($1.jails:%=$(B)/fast/gen/jail_%.o) \
		$(B)/fast/tests/faults/alloc.o $(B)/fast/libquoin.a
	@mkdir -p $$(@D)
	$$(if $$V,,@echo "  LINK   $1 (faulty)";)$(FASTCC) $(FASTLDFLAGS) $(WRAPS) -o $$@ $$^ $$($1.libs) $(FASTCDB) $(FASTSODIUM) $(FASTEND)
endef
$(foreach p,$(FAULTY),$(eval $(call faulty_program,$p)))
FAULTS = $(B)/tests/tracer $(FAULTY:%=$(B)/tests/faulty/%)

# Programs that lack one kind of sync, for tests/faults/powercut alone: KIND:PROGRAM:SYNC.
NOSYNC = queue-file:qqueue:FILE queue-new:qqueue:DIR maildir-file:qlocal:FILE \
	maildir-new:qlocal:DIR journal:qsend:DATA journal-names:qsend:DIR \
	box-uids:qimapd:DATA box-cur:qimapd:CUR box-file:qimapd:FILE
define nosync_program
NOSYNCS += $(B)/nosync/$1/$2
$(B)/nosync/$1/$2: tests/faults/nosync.c $$($2.o:%=$(B)/fast/%) $$($2.jails:%=$(B)/fast/gen/jail_%.o) $(B)/fast/libquoin.a
	@mkdir -p $$(@D)
	$$(if $$V,,@echo "  LINK   $2 without a sync: $1";)$(FASTCC) $(FASTFLAGS) -DNOSYNC_$3 $(FASTLDFLAGS) \
		-Wl,--wrap=fsync,--wrap=fdatasync,--wrap=open,--wrap=openat -o $$@ $$^ $$($2.libs) $(FASTCDB) $(FASTSODIUM) $(FASTEND)
endef
nosync_words = $(subst :, ,$1)
$(foreach n,$(NOSYNC),$(eval $(call nosync_program,$(word 1,$(call nosync_words,$n)),$(word 2,$(call nosync_words,$n)),$(word 3,$(call nosync_words,$n)))))
nosync: $(NOSYNCS)

# The search itself: make fuzz SECONDS=600 NAMES='smtp addr'
SECONDS ?= 60
NAMES ?=
fuzz:
	@$(MAKE) --no-print-directory FLAVOUR=fuzz search
search: $(if $(NAMES),$(NAMES:%=$(B)/tests/fuzz_%),fuzzers)
	@tests/fuzz/search $(B) $(SECONDS) $(NAMES)
fuzzers: $(FUZZERS:%=$(B)/tests/%)

# tests/jail: every profile, entered and tried, in the build that runs and in glibc's.
$(B)/gen/jail_all.c: $(JAILS) Makefile | $(B)/gen
	@{ echo '/* Made by the Makefile: every sandbox profile. */'; echo '#include "jail.h"'; \
	for j in $(subst -,_,$(basename $(notdir $(JAILS)))); do \
		echo "extern const struct jail_profile jail_$$j;"; done; \
	echo 'extern const struct jail_profile *const jail_all[];'; \
	echo 'const struct jail_profile *const jail_all[] = {'; \
	for j in $(subst -,_,$(basename $(notdir $(JAILS)))); do echo "	&jail_$$j,"; done; \
	echo '	0};'; } > $@
JAILOBJ := tests/jail/jail_test.o gen/jail_all.o \
	$(patsubst %,gen/jail_%.o,$(basename $(notdir $(JAILS))))
$(B)/tests/jail_test: $(JAILOBJ:%=$(B)/fast/%) $(B)/fast/libquoin.a
	@mkdir -p $(@D)
	$(if $V,,@echo "  LINK   jail_test";)$(FASTCC) $(FASTLDFLAGS) -o $@ $^ $(FASTSODIUM) $(FASTEND)
$(B)/tests/jail_test_glibc: $(JAILOBJ:%=$(B)/slow/%) $(B)/slow/libquoin.a
	@mkdir -p $(@D)
	$(if $V,,@echo "  LINK   jail_test_glibc";)$(CC) $(LIBCLINK) -o $@ $^ -lsodium

# ---- what people type --------------------------------------------------------------

help:
	@echo 'make               build/plain/bin: all programs (FLAVOUR=asan, fuzz, cover, libc; CC=clang)'
	@echo 'make fuzz          search for inputs that break a parser (SECONDS=60, NAMES=...)'
	@echo 'make check         unit tests, fuzz corpora, dialogs, sandboxes: under a minute'
	@echo 'make integration   with real clients and peers (package/deps test peers)'
	@echo 'make faults        programs killed, disks full, system calls that fail'
	@echo 'make lint          style and static checks (package/deps lint)'
	@echo 'make lines         lines of code, by program and by uid; lines-update: into ARCHITECTURE.md'
	@echo 'make install       into the system or DESTDIR; QMAIL=/var/qmail puts all in one place'
	@echo 'make uninstall     remove what was installed; mail and control files stay'
	@echo 'make clean         remove build/'
	@echo 'package/try        see it work; package/check: all tests'

JAILTESTS = $(if $(wildcard tests/jail/jail_test.c),$(B)/tests/jail_test $(B)/tests/jail_test_glibc)
tests: $(UNITS:%=$(B)/tests/%) $(FUZZERS:%=$(B)/tests/%) $(DRIVERS:%=$(B)/tests/%) $(JAILTESTS) $(FAULTS) $(NOSYNCS)

check: all tests
	@tests/run-check $(B)

integration: all $(DRIVERS:%=$(B)/tests/%)
	QUOIN_BIN=$(abspath $(B))/bin /usr/bin/python3 -m pytest -q tests/integration

faults: all $(FAULTS)
	QUOIN_BIN=$(abspath $(B))/bin /usr/bin/python3 -m pytest -q tests/faults

lint:
	@tests/lint

empty =
space = $(empty) $(empty)
comma = ,
lines: all
	@package/lines $(B)/map $(foreach p,$(ALL),$(p):$(subst $(space),$(comma),$(strip $($(p).o))))

# The same into ARCHITECTURE.md, between its two markers.
lines-update: all
	@$(MAKE) -s lines > $(B)/lines
	@awk -v new=$(B)/lines '/^<!-- \/lines -->/ { skip = 0 } !skip { print } \
		/^<!-- lines -->/ { skip = 1; print ""; while ((getline l < new) > 0) print l; print "" }' \
		ARCHITECTURE.md > $(B)/architecture && cp $(B)/architecture ARCHITECTURE.md

INSTALLVARS = CONTROLDIR QUEUEDIR RUNDIR USERSDIR ALIASDIR HOMESDIR STSDIR BINDIR LOGDIR MANDIR DESTDIR QMAIL B
install: all
	@$(foreach v,$(INSTALLVARS),$v='$($v)') package/install --built

uninstall:
	@$(foreach v,$(INSTALLVARS),$v='$($v)') package/uninstall

vars: # for package/install and uninstall
	@$(foreach v,$(INSTALLVARS),echo "$v='$($v)'";)

# A load for qqueue alone; run by hand (tests/bench/submit_load.c).
$(B)/tests/submit_load: $(B)/fast/tests/bench/submit_load.o $(B)/fast/libquoin.a
	@mkdir -p $(@D)
	$(if $V,,@echo "  LINK   submit_load";)$(FASTCC) $(FASTLDFLAGS) -o $@ $^ $(FASTSODIUM) $(FASTEND)

# The least that a durable message costs (tests/bench/floor.c).
$(B)/tests/floor: $(B)/fast/tests/bench/floor.o $(B)/fast/libquoin.a
	@mkdir -p $(@D)
	$(if $V,,@echo "  LINK   floor";)$(FASTCC) $(FASTLDFLAGS) -o $@ $^ $(FASTSODIUM) $(FASTEND)

# SMTP behind STARTTLS, for Quoin and its peers alike (tests/bench/tls_load.c).
$(B)/tests/tls_load: $(B)/slow/tests/bench/tls_load.o $(B)/slow/libquoin.a
	@mkdir -p $(@D)
	$(if $V,,@echo "  LINK   tls_load";)$(CC) $(LIBCLINK) -o $@ $^ -lssl -lcrypto

# A client that reads mail (tests/bench/read_load.c).
$(B)/tests/read_load: $(B)/slow/tests/bench/read_load.o
	@mkdir -p $(@D)
	$(if $V,,@echo "  LINK   read_load";)$(CC) $(LIBCLINK) -o $@ $^

# What a start costs, linked as Quoin's programs are and otherwise (tests/bench/start.c).
STARTS = $(B)/tests/floor $(B)/tests/tls_load $(B)/tests/read_load $(B)/tests/start $(B)/tests/start_static $(B)/tests/start_dynamic
$(B)/tests/start: $(B)/fast/tests/bench/start.o $(B)/fast/gen/jail_qsmtpd.o $(B)/fast/libquoin.a
	@mkdir -p $(@D)
	$(if $V,,@echo "  LINK   start";)$(FASTCC) $(FASTLDFLAGS) -o $@ $^ $(FASTSODIUM) $(FASTEND)
$(B)/tests/start_static $(B)/tests/start_dynamic: $(B)/slow/tests/bench/start.o \
		$(B)/slow/gen/jail_qsmtpd.o $(B)/slow/libquoin.a
	@mkdir -p $(@D)
	$(if $V,,@echo "  LINK   $(@F)";)$(CC) $(OPT) $(if $(filter %static,$@),-static-pie,-pie) -Wl,-z,relro,-z,now -o $@ $^
starts: $(STARTS)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

clean:
	rm -rf build
