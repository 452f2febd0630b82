FAST += qremote qrspawn
qremote.o = qremote/qremote.o qremote/body.o qremote/config.o qremote/connect.o qremote/deliver.o \
	qremote/dest.o qremote/destination.o qremote/outcome.o qremote/reply.o qremote/self.o \
	qremote/smtp.o qremote/transaction.o qremote/transcript.o
qremote.jails = qremote
qrspawn.o = qremote/qrspawn.o qremote/destination.o qremote/memory.o qremote/pool.o
qrspawn.jails = qrspawn
test_memory.o = qremote/memory.o
test_reply.o = qremote/reply.o
test_body.o = qremote/body.o
test_dest.o = qremote/dest.o qremote/self.o
fuzz_reply.o = qremote/reply.o
