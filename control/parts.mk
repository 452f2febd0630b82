SLOW += qctl qctl-check
qctl.o = control/qctl.o
qctl-check.o = control/check.o control/check_control.o control/check_modes.o \
	control/check_system.o control/check_tables.o control/finding.o
SCRIPTS += control/qctl-house control/qctl-service

FAST += qctl-route
qctl-route.o = control/qctl-route.o
