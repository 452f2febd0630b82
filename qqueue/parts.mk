FAST += qqueue
qqueue.o = qqueue/qqueue.o qqueue/server.o qqueue/conn.o qqueue/submission.o qqueue/draft.o \
	qqueue/frame.o qqueue/quota.o qqueue/sending.o qqueue/counts.o \
	qqueue/counts_text.o qqueue/ids.o qqueue/wake.o qqueue/msgid.o
qqueue.libs = -lpthread
qqueue.jails = qqueue
test_qqueue.o = qqueue/draft.o qqueue/msgid.o qqueue/frame.o qqueue/quota.o qqueue/ids.o
test_sending.o = qqueue/sending.o qqueue/counts.o qqueue/counts_text.o
test_sending.libs = -lpthread
fuzz_counts.o = qqueue/sending.o qqueue/counts_text.o
fuzz_submission.o = qqueue/frame.o
test_msgid.o = qqueue/msgid.o
fuzz_msgid.o = qqueue/msgid.o
