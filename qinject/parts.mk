# What runs as the caller has no sandbox: there is no boundary to guard.
qinject.units = fail spool input message hosts address who rcpts rewrite author followup \
	complete mail handon send inject
FAST += qinject sendmail qmail-queue
qinject.o = $(qinject.units:%=qinject/%.o) qinject/qinject.o
sendmail.o = $(qinject.units:%=qinject/%.o) qinject/sendmail.o qinject/options.o \
	qinject/deadletter.o qinject/speaker.o qinject/asked.o
qmail-queue.o = $(qinject.units:%=qinject/%.o) qinject/qmail-queue.o

test_complete.o = $(qinject.units:%=qinject/%.o)
test_options.o = qinject/options.o qinject/address.o qinject/hosts.o qinject/fail.o
fuzz_complete.o = $(qinject.units:%=qinject/%.o)

# sendmail under its other names
LINKS += sendmail/mailq sendmail/newaliases
