FAST += qnewusers qnewaliases qnewmrh qcdb
qnewusers.o = cdb/qnewusers.o cdb/text.o cdb/keys.o
qnewaliases.o = cdb/qnewaliases.o cdb/aliasline.o cdb/loops.o cdb/text.o
qnewmrh.o = cdb/qnewmrh.o cdb/text.o
qcdb.o = cdb/qcdb.o cdb/text.o cdb/keys.o
test_aliasline.o = cdb/aliasline.o
fuzz_alias.o = cdb/aliasline.o
