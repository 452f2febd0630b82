FAST += qpop3d-login
POP3LOGIN_PARTS = qpop3d/login_session.o qpop3d/common.o
qpop3d-login.o = qpop3d/login.o $(POP3LOGIN_PARTS)
qpop3d-login.jails = qpop3d-login

FAST += qpop3d
qpop3d.o = qpop3d/qpop3d.o qpop3d/session.o qpop3d/line.o qpop3d/drop.o qpop3d/parse.o \
	qpop3d/send.o qpop3d/file.o qpop3d/common.o
qpop3d.jails = qpop3d

fuzz_pop3login.o = $(POP3LOGIN_PARTS)
fuzz_pop3.o = qpop3d/parse.o qpop3d/send.o qpop3d/common.o
test_login_parse.o = qimapd/login_parse.o qpop3d/parse.o
