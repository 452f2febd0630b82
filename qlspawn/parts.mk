FAST += qlspawn
qlspawn.o = qlspawn/qlspawn.o qlspawn/ljob.o qlspawn/child.o
