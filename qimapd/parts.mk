FAST += qimapd-login
IMAPLOGIN_PARTS = qimapd/login_session.o qimapd/login_parse.o qimapd/login_gather.o
qimapd-login.o = qimapd/login.o $(IMAPLOGIN_PARTS)
qimapd-login.jails = qimapd-login
