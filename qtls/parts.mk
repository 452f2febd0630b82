# libssl and libcrypto are linked here and nowhere else.
QTLS_SIGNING_O = qtls/signing.o qtls/keyid.o
# the starter's and the session's half of a key: libcrypto, and qtls-key over a socket
QTLS_KEYASK_O = qtls/keyask.o qtls/provider.o qtls/provider_keymgmt.o qtls/provider_sign.o \
	$(QTLS_SIGNING_O)
