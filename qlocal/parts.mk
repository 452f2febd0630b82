FAST += qlocal
qlocal.o = qlocal/qlocal.o qlocal/answer.o qlocal/asked.o qlocal/delivery.o qlocal/dotfile.o \
	qlocal/dotline.o qlocal/dryrun.o qlocal/forward.o qlocal/full.o qlocal/head.o qlocal/mbox.o \
	qlocal/message.o qlocal/outside.o qlocal/plan.o qlocal/planalias.o qlocal/program.o qlocal/progenv.o \
	qlocal/reader.o qlocal/settings.o qlocal/steer.o qlocal/step.o qlocal/step_maildir.o
qlocal.jails = qlocal

test_dotline.o = qlocal/dotline.o
test_dotfile.o = qlocal/dotfile.o
test_head.o = qlocal/head.o qlocal/mbox.o qlocal/answer.o
test_progenv.o = qlocal/progenv.o qlocal/delivery.o qlocal/program.o qlocal/answer.o
fuzz_dotfile.o = qlocal/dotline.o
fuzz_message.o = qlocal/head.o qlocal/mbox.o qlocal/answer.o

# What dot-files call.
FAST += qforward forward condredirect bouncesaying except preline maildirmake maildirquota maildirtakeover
CMD_O = qlocal/cmd.o qlocal/asked.o
qforward.o = qlocal/qforward.o $(CMD_O)
forward.o = $(qforward.o)
condredirect.o = qlocal/condredirect.o $(CMD_O)
bouncesaying.o = qlocal/bouncesaying.o $(CMD_O)
except.o = qlocal/except.o $(CMD_O)
preline.o = qlocal/preline.o $(CMD_O)
maildirmake.o = qlocal/maildirmake.o
maildirquota.o = qlocal/maildirquota.o qlocal/maildirs.o
maildirtakeover.o = qlocal/maildirtakeover.o qlocal/maildirs.o
