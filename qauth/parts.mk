FAST += qauth
qauth.o = qauth/qauth.o qauth/ask.o qauth/child.o qauth/words.o qauth/rules.o qauth/throttle.o qauth/stem.o

FAST += qauth-enter
qauth-enter.o = qauth/enter.o

# libsodium, the user database, crypt(3): glibc
SLOW += qcheckpw qpasswd
qcheckpw.o = qauth/qcheckpw.o qauth/verify.o qauth/cost.o qauth/creds.o qauth/sysuser.o
qcheckpw.libs = -lcrypt
qcheckpw.jails = qcheckpw qcheckpw-template
QPASSWD_O = qauth/lines.o qauth/pwtext.o qauth/secret.o qauth/cost.o qauth/place.o qauth/assign.o
qpasswd.o = qauth/qpasswd.o $(QPASSWD_O)
LINKS += qpasswd/qctl-user
test_passwd.o = qauth/creds.o qauth/cost.o qauth/verify.o qauth/pwtext.o qauth/lines.o
fuzz_creds.o = qauth/creds.o

test_throttle.o = qauth/throttle.o
fuzz_authask.o = qauth/throttle.o
