FAST += qstart qsend qbounce

qstart.o = qsend/qstart.o

QSEND_O = qsend/scan.o qsend/msg.o qsend/admit.o qsend/jobs.o qsend/making.o qsend/report.o qsend/decide.o qsend/pass.o qsend/settle.o qsend/notify.o qsend/tell.o \
	qsend/heaps.o qsend/pick.o qsend/hold.o qsend/noted.o qsend/batch.o qsend/pause.o qsend/dests.o qsend/pace.o qsend/turns.o qsend/verp.o qsend/door.o qsend/gauge.o qsend/lister.o qsend/log.o qsend/conf.o qsend/due.o qsend/retry.o \
	qsend/status.o qsend/bounce.o
qsend.o = qsend/qsend.o qsend/open.o qsend/wait.o $(QSEND_O)
qsend.libs = -lpthread
qsend.jails = qsend

DSN_O = qsend/dsn.o qsend/dsn_out.o qsend/mime.o qsend/qsbmf.o qsend/status.o qsend/bounce.o
qbounce.o = qsend/qbounce.o qsend/notice.o $(DSN_O)
qbounce.jails = qbounce

test_qsend_due.o = qsend/due.o
test_qsend_retry.o = qsend/retry.o qsend/due.o
test_qsend_dsn.o = $(DSN_O)
fuzz_keeper.o = qsend/bounce.o
test_qsend_dests.o = qsend/dests.o qsend/pace.o qsend/due.o
test_qsend_verp.o = qsend/verp.o
