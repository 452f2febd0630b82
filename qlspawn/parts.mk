FAST += qlspawn
qlspawn.o = qlspawn/qlspawn.o qlspawn/ljob.o qlspawn/child.o qlspawn/room.o

SLOW += qgetpw
qgetpw.o = qlspawn/qgetpw.o qlspawn/person.o
qgetpw.jails = qgetpw

FAST += qrcpt
qrcpt.o = qlspawn/qrcpt.o qlspawn/judge.o qlspawn/roomask.o
qrcpt.jails = qrcpt
