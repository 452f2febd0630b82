FAST += qlisten
QLISTEN_PARTS = qlisten/listen.o qlisten/seats.o qlisten/ucspi.o qlisten/handover.o
qlisten.o = qlisten/qlisten.o qlisten/serve.o qlisten/child.o qlisten/stem.o $(QLISTEN_PARTS)
qlisten.jails = qlisten

test_qlisten.o = $(QLISTEN_PARTS)
