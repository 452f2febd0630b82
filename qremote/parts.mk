FAST += qremote qrspawn
qremote.o = qremote/qremote.o qremote/auth.o qremote/body.o qremote/config.o qremote/connect.o \
	qremote/deliver.o qremote/demand.o qremote/dest.o qremote/destination.o qremote/outcome.o \
	qremote/reply.o qremote/secure.o qremote/self.o qremote/smtp.o \
	qremote/starttls.o qremote/transaction.o qremote/transcript.o
qremote.jails = qremote
qrspawn.o = qremote/qrspawn.o qremote/destination.o qremote/memory.o qremote/pool.o
qrspawn.jails = qrspawn
test_memory.o = qremote/memory.o
test_pool.o = qremote/pool.o
test_reply.o = qremote/reply.o
test_body.o = qremote/body.o
test_dest.o = qremote/dest.o qremote/self.o
test_secure.o = qremote/secure.o
fuzz_reply.o = qremote/reply.o

FAST += qsts
STS_O = qremote/sts_record.o qremote/sts_text.o qremote/sts_http.o
qsts.o = qremote/qsts.o qremote/sts_cache.o qremote/sts_clients.o qremote/sts_fetch.o \
	qremote/sts_fetcher.o qremote/sts_pending.o qremote/sts_recent.o $(STS_O)
qsts.jails = qsts qsts-fetch
test_sts.o = $(STS_O) qremote/sts_cache.o qremote/sts_recent.o
fuzz_sts.o = $(STS_O) qremote/sts_fetcher.o qremote/sts_fetch.o qremote/sts_cache.o
