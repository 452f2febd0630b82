# What the tests of units here need besides the library: who folds needs utf8proc.
test_fold.libs = -lutf8proc
test_subject.libs = -lutf8proc
test_textsearch.libs = -lutf8proc
fuzz_subject.libs = -lutf8proc
fuzz_textsearch.libs = -lutf8proc
