SLOW += qctl
qctl.o = control/qctl.o
SCRIPTS += control/qctl-house control/qctl-service
