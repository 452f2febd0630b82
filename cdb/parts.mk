FAST += qnewusers
qnewusers.o = cdb/qnewusers.o cdb/text.o cdb/keys.o
