SLOW += qctl qctl-check
qctl.o = control/qctl.o
qctl-check.o = control/check.o control/check_accounts.o control/check_control.o control/check_login.o control/check_modes.o \
	control/check_reading.o control/check_remote.o control/check_system.o control/check_tables.o \
	control/check_tls.o control/check_submission.o \
	control/finding.o control/openssl.o
SCRIPTS += control/qctl-house control/qctl-service

FAST += qctl-route
qctl-route.o = control/qctl-route.o

# The names of owners come from the user database: glibc
SLOW += qctl-queue
qctl-queue.o = control/qctl-queue.o control/queue_door.o control/queue_source.o \
	control/queue_filter.o control/queue_list.o control/queue_show.o control/queue_act.o \
	control/queue_stat.o control/queue_file.o control/queue_ours.o control/queue_parts.o \
	control/queue_move.o control/queue_take.o control/queue_put.o control/queue_check.o control/check_modes.o control/finding.o

LOGS_O = control/logs.o control/logline.o control/json.o
SLOW += qctl-trace qctl-audit qctl-metrics
qctl-metrics.o = control/qctl-metrics.o
qctl-trace.o = control/qctl-trace.o control/idset.o $(LOGS_O)
test_logline.o = control/logline.o
fuzz_logline.o = control/logline.o
qctl-audit.o = control/qctl-audit.o control/audit_read.o control/audit_judge.o \
	control/audit_print.o control/ledger.o $(LOGS_O)

# Certificates
SCRIPTS += control/qctl-cert control/qctl-cert-hook control/qctl-dns
