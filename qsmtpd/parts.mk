FAST += qsmtpd
QSMTPD_PARTS = qsmtpd/session.o qsmtpd/replies.o qsmtpd/config.o qsmtpd/peer.o \
	qsmtpd/policy.o qsmtpd/ask.o qsmtpd/data.o qsmtpd/received.o qsmtpd/cmd_misc.o \
	qsmtpd/cmd_mail.o qsmtpd/cmd_rcpt.o qsmtpd/cmd_data.o qsmtpd/expn.o \
	qsmtpd/tls.o qsmtpd/auth.o qsmtpd/senders.o qsmtpd/complete.o
qsmtpd.o = qsmtpd/qsmtpd.o qsmtpd/start.o qsmtpd/stamps.o $(QSMTPD_PARTS)
qsmtpd.jails = qsmtpd qsmtpd-template

test_qsmtpd.o = $(QSMTPD_PARTS)
test_msa.o = $(QSMTPD_PARTS)
fuzz_smtp.o = $(QSMTPD_PARTS)
