FAST += qauth
qauth.o = qauth/qauth.o qauth/ask.o qauth/child.o qauth/words.o qauth/rules.o qauth/throttle.o

FAST += qauth-enter
qauth-enter.o = qauth/enter.o

