# libssl and libcrypto are linked here and nowhere else.
QTLS_SIGNING_O = qtls/signing.o qtls/keyid.o
# the starter's and the session's half of a key: libcrypto, and qtls-key over a socket
QTLS_KEYASK_O = qtls/keyask.o qtls/provider.o qtls/provider_keymgmt.o qtls/provider_sign.o \
	$(QTLS_SIGNING_O)

SLOW += qtls-key
QTLS_KEY_O = qtls/keyfile.o qtls/keys.o qtls/sign.o $(QTLS_SIGNING_O)
qtls-key.o = qtls/qtls-key.o qtls/keydoor.o qtls/wipe.o $(QTLS_KEY_O)
qtls-key.jails = qtls-key
qtls-key.libs = -lcrypto

test_signing.o = qtls/signing.o
fuzz_signing.o = qtls/signing.o
test_provider.o = $(QTLS_KEYASK_O) qtls/sign.o
test_provider.libs = -lssl -lcrypto

SLOW += qtls
QTLS_TLS_O = qtls/relay.o qtls/role.o qtls/server.o qtls/client.o qtls/certs.o qtls/tcp.o qtls/warm.o
qtls.o = qtls/qtls.o qtls/words.o qtls/starter.o qtls/doors.o qtls/crowd.o qtls/heir.o qtls/keylink.o qtls/heap.o \
	qtls/session.o qtls/session_end.o qtls/shake.o $(QTLS_TLS_O) $(QTLS_KEYASK_O)
qtls.jails = qtls qtls-session
qtls.libs = -lssl -lcrypto
# what stands in for an idle starter: no library
FAST += qtls-wait
qtls-wait.o = qtls/qtls-wait.o qtls/words.o qtls/doors.o qtls/heir.o
qtls-wait.jails = qtls
test_keyask.o = qtls/keyask.o qtls/signing.o
test_keys.o = $(QTLS_KEY_O)
test_keys.libs = -lcrypto
test_qtls.o = qtls/certs.o qtls/crowd.o qtls/doors.o qtls/role.o $(QTLS_KEYASK_O)
test_qtls.libs = -lssl -lcrypto
