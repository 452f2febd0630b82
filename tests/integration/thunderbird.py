"""Thunderbird without a screen, told what to do by Marionette.

    with Thunderbird(where, cert=None) as t:
        t.account("localhost", port, "joe", "secret")
        t.run("return await subjects(inbox())")

Marionette is Mozilla's protocol of remote control: LENGTH:JSON in both directions, each
question [0, id, command, parameters], each answer [1, id, error, result]. The scripts run
with the rights of the program itself, SCRIPTS in front of them.
"""

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess

from quoin import ROOT, wait_for

PREFS = {
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "mail.winsearch.firstRunDone": True,
    "mailnews.start_page.enabled": False,
    "mailnews.database.global.indexer.enabled": False,
    "marionette.port": 0,  # any; PROFILE/MarionetteActivePort says which
    "network.dns.disableIPv6": True,
    "toolkit.telemetry.enabled": False,
}

SCRIPTS = r"""
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const server = () => MailServices.accounts.allServers.find(s => s.type == "imap");
const inbox = () => server().rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox)
	?.QueryInterface(Ci.nsIMsgImapMailFolder);
const child = name => server().rootFolder.getChildNamed(name);
const named = (folder, subject) => [...folder.messages].find(m => m.mime2DecodedSubject == subject);
const subjects = folder => [...folder.messages].map(m => m.mime2DecodedSubject).sort();
const done = (resolve, reject, status) =>
	Components.isSuccessCode(status) ? resolve() : reject(new Error("status " + status.toString(16)));
const url = start => new Promise((resolve, reject) => start({
	QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
	OnStartRunningUrl() {},
	OnStopRunningUrl(_, status) { done(resolve, reject, status); },
}));
const copy = start => new Promise((resolve, reject) => start({
	QueryInterface: ChromeUtils.generateQI(["nsIMsgCopyServiceListener"]),
	onStartCopy() {},
	onProgress() {},
	setMessageKey() {},
	getMessageId() { return null; },
	onStopCopy(status) { done(resolve, reject, status); },
}));
const text = (folder, message) => new Promise((resolve, reject) => {
	const uri = folder.getUriForMsg(message);
	let all = "";
	MailServices.messageServiceFromURI(uri).streamMessage(uri, {
		QueryInterface: ChromeUtils.generateQI(["nsIStreamListener", "nsIRequestObserver"]),
		onStartRequest() {},
		onDataAvailable(_, stream, offset, count) {
			const s = Cc["@mozilla.org/scriptableinputstream;1"].createInstance(Ci.nsIScriptableInputStream);
			s.init(stream);
			all += s.read(count);
		},
		onStopRequest(_, status) { done(() => resolve(all), reject, status); },
	}, null, null, false, "", false);
});
"""

ACCOUNT = """
const [host, port, name, password, tls, cert, values] = arguments;
const found = "imap://" + host;
const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
login.init(found, null, found, name, password, "", "");
await Services.logins.addLoginAsync(login);
if (cert) {
	const db = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
	Cc["@mozilla.org/security/certoverride;1"].getService(Ci.nsICertOverrideService)
		.rememberValidityOverride(host, port, {}, db.constructX509FromBase64(cert), true);
}
const s = MailServices.accounts.createIncomingServer(name, host, "imap");
s.port = port;
s.socketType = tls ? Ci.nsMsgSocketType.SSL : Ci.nsMsgSocketType.plain;
s.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
for (const [key, value] of Object.entries(values))
	typeof value == "boolean" ? s.setBoolValue(key, value) : s.setIntValue(key, value);
const account = MailServices.accounts.createAccount();
account.incomingServer = s;
account.addIdentity(MailServices.accounts.createIdentity());
account.defaultIdentity.email = name + "@q.example";
"""


class Marionette:
    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.file = self.sock.makefile("rb")
        self.count = 0
        self._read()
        self.ask("WebDriver:NewSession", {})
        self.ask("WebDriver:SetTimeouts", {"script": 90_000})
        self.ask("Marionette:SetContext", {"value": "chrome"})

    def _read(self):
        digits = b""
        while (c := self.file.read(1)) != b":":
            assert c.isdigit(), "Thunderbird has ended"
            digits += c
        return json.loads(self.file.read(int(digits)))

    def ask(self, command, parameters):
        self.count += 1
        words = json.dumps([0, self.count, command, parameters]).encode()
        self.sock.sendall(b"%d:%s" % (len(words), words))
        _, number, error, result = self._read()
        assert number == self.count
        assert not error, f"{command}: {error['message']} {error.get('stacktrace', '')}"
        return result

    def close(self):
        self.file.close()
        self.sock.close()


class Thunderbird:
    """A program with a home of its own, which is gone at the end. As root it is nobody's."""

    def __init__(self, where):
        self.home = where / "thunderbird"
        profile = self.home / "profile"
        profile.mkdir(parents=True)
        lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in PREFS.items())
        (profile / "user.js").write_text("".join(lines))
        whose = {}
        if ROOT:
            nobody = pwd.getpwnam("nobody")
            for p in (self.home, profile, profile / "user.js"):
                os.chown(p, nobody.pw_uid, nobody.pw_gid)
            whose = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self.log = self.home.with_suffix(".log")
        words = ("--headless", "--no-remote", "--marionette", "--remote-allow-system-access")
        with open(self.log, "wb") as log:
            self.popen = subprocess.Popen(
                ["thunderbird", *words, "--profile", profile],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"HOME": str(self.home), "TMPDIR": str(self.home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
                cwd=self.home,
                start_new_session=True,
                **whose,
            )
        self.marionette = None
        try:
            port = wait_for(lambda: self._port(profile), 120, "Marionette's port")
            self.marionette = Marionette(port)
        except BaseException:
            self.close()
            raise

    def _port(self, profile):
        assert self.popen.poll() is None, self.log.read_text(errors="replace")
        p = profile / "MarionetteActivePort"
        return p.exists() and int(p.read_text() or 0)

    def run(self, script, *args):
        """The value of a function's body, which may await."""
        body = f"{SCRIPTS}return (async function() {{{script}}})(...arguments);"
        return self.marionette.ask("WebDriver:ExecuteScript", {"script": body, "args": args})["value"]

    def account(self, host, port, name, password, cert=None, **values):
        """An IMAP account; cert: TLS, with a server that has just that one (PEM). values: of the account's settings."""
        pem = cert and "".join(l for l in cert.read_text().splitlines() if "-----" not in l)
        self.run(ACCOUNT, host, port, name, password, bool(cert), pem, values)

    def close(self):
        try:
            if self.marionette:
                self.marionette.ask("Marionette:Quit", {"flags": ["eForceQuit"]})
                self.marionette.close()
                self.popen.wait(60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()
            shutil.rmtree(self.home)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
