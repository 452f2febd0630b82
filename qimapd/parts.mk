FAST += qimapd-login
IMAPLOGIN_PARTS = qimapd/login_session.o qimapd/login_parse.o qimapd/login_gather.o
qimapd-login.o = qimapd/login.o $(IMAPLOGIN_PARTS)
qimapd-login.jails = qimapd-login

FAST += qimapd
IMAP_IO = qimapd/io.o qimapd/io_out.o qimapd/io_deflate.o
IMAP_ARENA = qimapd/arena.o
IMAP_WORDS = qimapd/take.o qimapd/take_value.o $(IMAP_ARENA)
IMAP_SESSION = qimapd/session.o qimapd/answers.o qimapd/verbs.o qimapd/update.o qimapd/in.o \
	qimapd/out.o qimapd/cmd_any.o qimapd/cmd_select.o qimapd/qresync.o qimapd/list.o \
	qimapd/list_match.o qimapd/list_take.o qimapd/cmd_list.o qimapd/status.o qimapd/cmd_folder.o \
	qimapd/append.o qimapd/append_binary.o qimapd/cmd_append.o qimapd/cmd_quota.o qimapd/cmd_idle.o qimapd/watching.o \
	qimapd/notify.o qimapd/notify_set.o qimapd/notify_names.o qimapd/notify_watched.o
IMAP_FETCH = qimapd/fetch.o qimapd/fetch_parse.o qimapd/fetch_section.o qimapd/fetch_items.o \
	qimapd/fetch_body.o qimapd/fetch_binary.o qimapd/source.o qimapd/wire.o \
	qimapd/parsed.o qimapd/vanished.o
IMAP_STORE = qimapd/set.o qimapd/set_ordinals.o qimapd/messages.o qimapd/store.o qimapd/copy.o qimapd/expunge.o
IMAP_SEARCH = qimapd/search.o qimapd/search_want.o qimapd/search_parse.o qimapd/search_keys.o \
	qimapd/search_run.o qimapd/search_eval.o qimapd/sort.o qimapd/sortrow.o qimapd/sortkept.o \
	qimapd/thread_cmd.o $(IMAP_ORDER)
IMAP_DATA = $(IMAP_FETCH) $(IMAP_STORE) $(IMAP_SEARCH)
qimapd.o = qimapd/qimapd.o qimapd/mailbox.o $(IMAP_IO) $(IMAP_WORDS) $(IMAP_SESSION) $(IMAP_DATA)
qimapd.jails = qimapd qimapd-convert
qimapd.libs = $(FASTZ) $(FASTUTF8)

fuzz_imaplogin.o = $(IMAPLOGIN_PARTS)

# all but the program's beginning; the arena may be tests/fuzz/exact_arena.h
IMAP_ALL = $(IMAP_IO) $(IMAP_WORDS) $(IMAP_SESSION) $(IMAP_DATA)
test_set.o = $(IMAP_ALL)
test_fetchargs.o = $(IMAP_ALL)
test_searchargs.o = $(IMAP_ALL)
test_search.o = $(IMAP_ALL)
fuzz_set.o = $(IMAP_ALL)
fuzz_fetch.o = $(filter-out $(IMAP_ARENA),$(IMAP_ALL))
fuzz_search.o = $(filter-out $(IMAP_ARENA),$(IMAP_ALL))
test_set.libs = -lutf8proc -lz
test_fetchargs.libs = $(test_set.libs)
test_searchargs.libs = $(test_set.libs)
test_search.libs = $(test_set.libs)
fuzz_set.libs = $(test_set.libs)
fuzz_fetch.libs = $(test_set.libs)
fuzz_search.libs = $(test_set.libs)

# io.h is played by the fuzz target
fuzz_imap.o = $(filter-out $(IMAP_ARENA),$(IMAP_WORDS)) $(IMAP_SESSION) $(IMAP_DATA)
fuzz_imap.libs = -lutf8proc
fuzz_take.o = $(filter-out $(IMAP_ARENA),$(IMAP_WORDS))
test_take.o = $(IMAP_WORDS)
test_imapin.o = qimapd/in.o $(IMAP_IO)
test_imapin.libs = -lz
test_out.o = $(IMAP_ALL)
test_out.libs = $(test_set.libs)
test_listmatch.o = qimapd/list_match.o
test_wire.o = qimapd/wire.o

# pure algorithms of SORT and THREAD
IMAP_ORDER = qimapd/sortkey.o qimapd/thread.o qimapd/thread_tree.o qimapd/thread_link.o
test_thread.o = $(IMAP_ORDER)
test_sortkey.o = $(IMAP_ORDER)
test_thread.libs = -lutf8proc
test_sortkey.libs = -lutf8proc

fuzz_rows.o = qimapd/sortrow.o $(IMAP_ORDER)
fuzz_rows.libs = -lutf8proc
